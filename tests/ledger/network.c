/* SPDX-License-Identifier: Apache-2.0 */
/* Ledgers for tests. */
#include "tests/ledger/network.h"

#include <string.h>

#include "base/assert.h"
#include "crypto/hash.h"
#include "crypto/sign.h"

static const uint32_t founder[] = {0};

static void key_make(const char *kind, uint32_t number, uint8_t *private_key, uint8_t *public_key)
{
	struct hash hash;
	enum sotto_err err;

	hash_init(&hash, HASH_SHA256);
	hash_update(&hash, BYTES(kind, strlen(kind)));
	hash_update(&hash, BYTES(&number, sizeof(number)));
	hash_final(&hash, private_key);
	err = sign_public(SIGN_ED25519, BYTES(private_key, LEDGER_PRIVATE_LEN), public_key);
	ASSERT(err == SOTTO_OK);
}

void person_make(uint32_t number, struct person *person)
{
	key_make("device", number, person->device_private, person->device_key);
	key_make("invitation", number, person->invitation_private, person->invitation_key);
}

void draft_make(const struct ledger *ledger, uint8_t action, const union ledger_body *body,
		struct ledger_draft *draft)
{
	draft_make_at(ledger, action, body, NETWORK_UTC_MS, draft);
}

void draft_make_at(const struct ledger *ledger, uint8_t action, const union ledger_body *body,
		   uint64_t stated_ms, struct ledger_draft *draft)
{
	static uint32_t serial;
	uint64_t length = ledger_length(ledger);
	uint8_t id[LEDGER_ID_LEN] = {0};
	enum sotto_err err;

	serial++;
	memcpy(id, &serial, sizeof(serial));
	err = ledger_draft_init(draft, ledger_network(ledger), action, id, length,
				ledger_head(ledger, length), stated_ms, body);
	ASSERT(err == SOTTO_OK);
}

void draft_finish(const struct ledger_draft *draft, struct entry_bytes *entry)
{
	struct writer writer;
	enum sotto_err err;

	writer_init_fixed(&writer, entry->data, sizeof(entry->data));
	err = ledger_draft_encode(draft, &writer);
	ASSERT(err == SOTTO_OK);
	entry->len = writer.len;
}

void body_authorise(uint32_t number, union ledger_body *body)
{
	struct person person;

	person_make(number, &person);
	body->authorise = (struct ledger_authorise){
		.extension = 100 + number,
		.name = BYTES_TEXT("Somebody"),
		.expires_ms = NETWORK_UTC_MS + 86400000,
		.devices = 1,
	};
	memcpy(body->authorise.invitation_key, person.invitation_key, LEDGER_KEY_LEN);
}

void body_enrol(const struct ledger *ledger, uint32_t number, union ledger_body *body)
{
	struct person person;
	enum sotto_err err;

	person_make(number, &person);
	body->enrol = (struct ledger_enrol){.inbox_read = {7}};
	err = ledger_enrol_sign(ledger_network(ledger), BYTES_OF(person.invitation_private),
				BYTES_OF(person.device_private), &body->enrol);
	ASSERT(err == SOTTO_OK);
}

void body_subject(uint32_t number, union ledger_body *body)
{
	struct person person;

	person_make(number, &person);
	memcpy(body->subject.device_key, person.device_key, LEDGER_KEY_LEN);
}

void body_further(const struct ledger *ledger, uint32_t approver, uint32_t number, const char *name,
		  union ledger_body *body)
{
	struct person by, person;
	enum sotto_err err;

	person_make(approver, &by);
	person_make(number, &person);
	body->further = (struct ledger_further){
		.inbox_read = {7},
		.name = BYTES(name, strlen(name)),
	};
	memcpy(body->further.approver, by.device_key, LEDGER_KEY_LEN);
	err = ledger_further_sign(ledger_network(ledger), BYTES_OF(person.invitation_private),
				  BYTES_OF(person.device_private), &body->further);
	ASSERT(err == SOTTO_OK);
}

void body_admins(uint8_t threshold, const uint32_t *numbers, size_t count,
		 struct ledger_admin_keys *keys, union ledger_body *body)
{
	for (size_t i = 0; i < count; i++) {
		struct person person;
		size_t place = i;

		person_make(numbers[i], &person);
		for (; place > 0 && bytes_compare(BYTES_OF(keys[place - 1].key),
						  BYTES_OF(person.device_key)) > 0;
		     place--)
			keys[place] = keys[place - 1];
		memcpy(keys[place].key, person.device_key, LEDGER_KEY_LEN);
		memcpy(keys[place].rotation, person.invitation_key, LEDGER_KEY_LEN);
	}
	body->admins = (struct ledger_admins){.threshold = threshold,
					      .keys = {.items = keys, .count = count}};
}

void act_make(const struct ledger *ledger, uint8_t action, const union ledger_body *body,
	      const uint32_t *signers, size_t count, struct entry_bytes *entry)
{
	struct ledger_draft draft;

	draft_make(ledger, action, body, &draft);
	for (size_t i = 0; i < count; i++) {
		struct person person;
		enum sotto_err err;

		person_make(signers[i], &person);
		err = ledger_draft_sign(&draft, BYTES_OF(person.device_private));
		ASSERT(err == SOTTO_OK);
	}
	draft_finish(&draft, entry);
}

enum sotto_err act(struct ledger *ledger, uint8_t action, const union ledger_body *body,
		   const uint32_t *signers, size_t count)
{
	struct entry_bytes entry;

	act_make(ledger, action, body, signers, count, &entry);
	return ledger_append(ledger, BYTES(entry.data, entry.len));
}

struct ledger *network_found(const struct allocator *allocator)
{
	struct ledger *ledger;
	struct person person;
	union ledger_body body;
	enum sotto_err err = ledger_create(allocator, &ledger);

	ASSERT(err == SOTTO_OK);
	person_make(0, &person);
	body.found = (struct ledger_found){
		.nonce = {1},
		.network_name = BYTES_TEXT("Newsroom"),
		.digits = 3,
		.relay_address = BYTES_TEXT("relay.example:4433"),
		.extension = 100,
		.name = BYTES_TEXT("Ana"),
	};
	memcpy(body.found.relay_key, person.invitation_key, LEDGER_KEY_LEN);
	memcpy(body.found.device_key, person.device_key, LEDGER_KEY_LEN);
	memcpy(body.found.rotation, person.invitation_key, LEDGER_KEY_LEN);
	err = act(ledger, LEDGER_FOUND, &body, founder, 1);
	ASSERT(err == SOTTO_OK);
	return ledger;
}

void network_join(struct ledger *ledger, uint32_t number, const uint32_t *signers, size_t count)
{
	union ledger_body body;
	enum sotto_err err;

	body_authorise(number, &body);
	err = act(ledger, LEDGER_AUTHORISE, &body, signers, count);
	ASSERT(err == SOTTO_OK);
	body_enrol(ledger, number, &body);
	err = act(ledger, LEDGER_ENROL, &body, founder, 1);
	ASSERT(err == SOTTO_OK);
}

struct ledger *network_two_of_three(const struct allocator *allocator)
{
	static const uint32_t admins[] = {0, 1, 2};
	struct ledger *ledger = network_found(allocator);
	struct ledger_admin_keys keys[3];
	union ledger_body body;
	enum sotto_err err;

	for (uint32_t number = 1; number <= 3; number++)
		network_join(ledger, number, founder, 1);
	body_admins(2, admins, 3, keys, &body);
	err = act(ledger, LEDGER_ADMINS, &body, founder, 1);
	ASSERT(err == SOTTO_OK);
	return ledger;
}
