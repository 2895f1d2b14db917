/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an admin's phone is told of proposals: as it comes, and with the acts in it signed, as a turned admin would. What
 * is taken for one could become entries; nothing else is kept, and there are never more than the limits say.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/reader.h"
#include "crypto/hash.h"
#include "crypto/init.h"
#include "crypto/sign.h"
#include "talk/state.h"

#define ACTS_MAX 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum sotto_err fill(void *context, uint8_t *out, size_t len)
{
	uint8_t *state = context;

	for (size_t i = 0; i < len; i++) {
		if (i % WIRE_HASH_LEN == 0)
			hash_digest(HASH_SHA256, BYTES(state, WIRE_HASH_LEN), state);
		out[i] = state[i % WIRE_HASH_LEN];
	}
	return SOTTO_OK;
}

/* A phone that has just founded a network: its only admin. */
static struct talk *founder(void)
{
	static uint8_t state[WIRE_HASH_LEN];
	static struct random_source random = {.fill = fill, .context = state};
	struct talk_config config = {.random = &random, .suite = 1};
	struct talk_found found = {.network_name = BYTES_TEXT("n"),
				   .name = BYTES_TEXT("a"),
				   .digits = 3,
				   .relay_address = BYTES_TEXT("r:1")};
	struct talk *talk;
	enum sotto_err err = crypto_init();

	ASSERT(err == SOTTO_OK);
	err = talk_create(&config, &talk);
	ASSERT(err == SOTTO_OK);
	err = sign_public(SIGN_ED25519, BYTES_OF(state), found.relay_key);
	ASSERT(err == SOTTO_OK);
	err = talk_found(talk, &found, 1, UINT64_C(1790000000000));
	ASSERT(err == SOTTO_OK);
	talk_stored(talk);
	talk->state = TALK_MEMBER;
	return talk;
}

/* Pieces of the input, each behind its length, as acts that this admin has signed. */
static void signed_body(const struct talk *talk, struct reader *reader, struct talk_blob *body)
{
	static uint8_t room[ACTS_MAX][LEDGER_ENTRY_LEN_MAX];
	static struct ledger_draft draft;
	struct talk_entry entries[ACTS_MAX];
	struct talk_proposal proposal;
	size_t count = 0;
	enum sotto_err err;

	while (count < ACTS_MAX && reader_left(reader) > 0) {
		struct bytes act = reader_get_bytes(reader, reader_get_u16(reader));
		struct writer writer;

		if (reader->err != SOTTO_OK || act.len == 0 || act.len > sizeof(draft.act))
			break;
		draft = (struct ledger_draft){.act_len = act.len};
		memcpy(draft.network, ledger_network(talk->ledger), LEDGER_HASH_LEN);
		memcpy(draft.act, act.data, act.len);
		err = ledger_draft_sign(&draft, secret_bytes(&talk->identity.private_key));
		ASSERT(err == SOTTO_OK);
		writer_init_fixed(&writer, room[count], sizeof(room[count]));
		err = ledger_draft_encode(&draft, &writer);
		ASSERT(err == SOTTO_OK);
		entries[count++].entry = writer_bytes(&writer);
	}
	proposal.entries = (struct wire_list){.items = entries, .count = count};
	err = talk_encode(talk, &talk_proposal_type, &proposal, body);
	ASSERT(err == SOTTO_OK);
}

static void check(const struct talk *talk)
{
	struct talk_proposal_info info;
	struct ledger_entry entry;
	uint64_t cursor = 0;
	uint32_t count = 0;

	while (talk_next_proposal(talk, &cursor, &info)) {
		ASSERT(info.acts > 0 && info.signed_count == 1);
		ASSERT(talk_proposal_act(talk, BYTES(info.code, TALK_CODE_LEN), info.acts - 1,
					 &entry));
		ASSERT(entry.act.action != LEDGER_ENROL && entry.act.action != LEDGER_CONFIRM);
		count++;
	}
	ASSERT(count <= TALK_PROPOSALS_BY_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct talk *talk;
	struct talk_blob body = {0};
	struct reader reader;
	enum sotto_err err;

	if (talk == NULL)
		talk = founder();
	reader_init(&reader, BYTES(data, size));
	err = talk_proposal_receive(talk, talk->identity.public_key, BYTES(data, size));
	ASSERT(err == SOTTO_OK);
	err = talk_refusal_receive(talk, talk->identity.public_key, BYTES(data, size));
	ASSERT(err == SOTTO_OK);
	err = talk_approval_receive(talk, talk->identity.public_key, BYTES(data, size));
	ASSERT(err == SOTTO_OK);
	signed_body(talk, &reader, &body);
	for (int again = 0; again < 2; again++) {
		err = talk_proposal_receive(talk, talk->identity.public_key,
					    talk_blob_bytes(&body));
		ASSERT(err == SOTTO_OK);
	}
	check(talk);
	talk_blob_clear(talk, &body);
	talk_proposals_clear(talk);
	talk_events_clear(talk, &talk->events);
	return 0;
}
