/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ledgers for tests: people with keys from their number, and one line for each act. Entries are made with
 * the functions that phones use; tests then bend the draft or the bytes.
 */
#ifndef TESTS_LEDGER_NETWORK_H
#define TESTS_LEDGER_NETWORK_H

#include "ledger/ledger.h"

#define NETWORK_UTC_MS UINT64_C(1790000000000)

struct person {
	uint8_t device_private[LEDGER_PRIVATE_LEN];
	uint8_t device_key[LEDGER_KEY_LEN];
	uint8_t invitation_private[LEDGER_PRIVATE_LEN];
	uint8_t invitation_key[LEDGER_KEY_LEN];
};

/* The same for the same number. */
void person_make(uint32_t number, struct person *person);

/* Bytes of an entry on their way into a ledger. */
struct entry_bytes {
	uint8_t data[LEDGER_ENTRY_LEN_MAX];
	size_t len;
};

/* Numbered ids; base is the ledger's end. */
void draft_make(const struct ledger *ledger, uint8_t action, const union ledger_body *body,
		struct ledger_draft *draft);
void draft_make_at(const struct ledger *ledger, uint8_t action, const union ledger_body *body,
		   uint64_t stated_ms, struct ledger_draft *draft);
void draft_finish(const struct ledger_draft *draft, struct entry_bytes *entry);

void body_authorise(uint32_t number, union ledger_body *body);
void body_enrol(const struct ledger *ledger, uint32_t number, union ledger_body *body);
void body_subject(uint32_t number, union ledger_body *body);

/* Device number for the person of device approver. */
void body_further(const struct ledger *ledger, uint32_t approver, uint32_t number, const char *name,
		  union ledger_body *body);

/* keys has room for count keys and lives as long as body. */
void body_admins(uint8_t threshold, const uint32_t *numbers, size_t count,
		 struct ledger_admin_keys *keys, union ledger_body *body);

/* A draft signed by all of these people. */
void act_make(const struct ledger *ledger, uint8_t action, const union ledger_body *body,
	      const uint32_t *signers, size_t count, struct entry_bytes *entry);

/* Makes and appends; what append said. */
enum sotto_err act(struct ledger *ledger, uint8_t action, const union ledger_body *body,
		   const uint32_t *signers, size_t count);

/* Person 0 founds with extension 100 + 0. */
struct ledger *network_found(const struct allocator *allocator);

/* authorise by these signers, enrol with person 0 as sponsor. */
void network_join(struct ledger *ledger, uint32_t number, const uint32_t *signers, size_t count);

/* Persons 0 to 3 are in, 0, 1, 2 are admins and two must sign. */
struct ledger *network_two_of_three(const struct allocator *allocator);

#endif
