/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of a call (docs/protocol.md, "Calls").
 *
 *	epoch's exporter --+
 *	call id            +--> HKDF --> SFrame base key, room token, check value
 *	32 random bytes  --+
 *
 * The random bytes come in the invitation and are erased with the call, so what was said is gone when the
 * call is, though the epoch lives on. Every epoch has keys and a room of its own.
 */
#ifndef CALL_KEYS_H
#define CALL_KEYS_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/random.h"
#include "call/message.h"

#define CALL_EXPORTER_LEN 32
#define CALL_BASE_KEY_LEN 32
#define CALL_TOKEN_LEN	  32
#define CALL_CHECK_LEN	  16

/* MLS exporter label (RFC 9420 8.5); the context is the call id, the length CALL_EXPORTER_LEN. */
#define CALL_EXPORTER_LABEL "sotto call"

struct call_keys {
	uint64_t epoch;
	uint8_t base_key[CALL_BASE_KEY_LEN];
	uint8_t room_token[CALL_TOKEN_LEN];
};

void call_keys_derive(const uint8_t exporter[CALL_EXPORTER_LEN], uint64_t epoch,
		      const uint8_t id[CALL_ID_LEN], const uint8_t random[CALL_RANDOM_LEN],
		      struct call_keys *keys);

/* NULL is fine. */
void call_keys_wipe(struct call_keys *keys);

/*
 * What both ends compare inside the sealed frames: equal exactly if call keys, ledger head and policy are.
 * Tells nothing about them otherwise.
 */
void call_keys_check(const struct call_keys *keys, struct bytes ledger_head, struct bytes policy,
		     uint8_t check[CALL_CHECK_LEN]);

/* KID of a sender: 56 random bits and the low byte of the epoch. A new one for each start of a voice process. */
MUST_USE enum sotto_err call_kid_create(const struct random_source *random, uint64_t epoch,
					uint64_t *kid);

/* The same sender's KID in another epoch. */
uint64_t call_kid_in_epoch(uint64_t kid, uint64_t epoch);

#endif
