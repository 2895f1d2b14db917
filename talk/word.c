/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay's word: what it signed for each reader, compared among them.
 *
 *   every record read -> (drop, incarnation, sequence, running hash), which the batch's signature covers
 *   every frame       -> the newest signature that its sender has for the same conversation
 *
 * Two that name the same place of a drop and another history, both signed, convict the relay: nobody else
 * has its key. What we have not read, or read too long ago, accuses nobody.
 */
#include <string.h>

#include "crypto/sign.h"
#include "talk/state.h"

void talk_word_heard(struct talk *talk, const struct talk_drop *drop)
{
	struct talk_heard *heard = &talk->heard[talk->heard_next];

	talk->heard_next = (talk->heard_next + 1) % TALK_HEARD_MAX;
	memcpy(heard->drop, drop->name, WIRE_HASH_LEN);
	memcpy(heard->incarnation, drop->incarnation, WIRE_INCARNATION_LEN);
	heard->sequence = drop->sequence;
	memcpy(heard->running, drop->running, WIRE_HASH_LEN);
}

void talk_word_keep(struct talk_group *group, const struct wire_batch *batch)
{
	struct talk_relay_word *word = &group->word;

	memcpy(word->drop, batch->drop, WIRE_HASH_LEN);
	memcpy(word->incarnation, batch->incarnation, WIRE_INCARNATION_LEN);
	word->end_sequence = batch->end_sequence;
	memcpy(word->running_hash, batch->running_hash, WIRE_HASH_LEN);
	memcpy(word->signature, batch->signature, WIRE_SIGNATURE_LEN);
	group->word_known = true;
}

/* Did we read another history at the place that the word names? */
static bool contradicts(const struct talk *talk, const struct talk_relay_word *word)
{
	for (size_t i = 0; i < TALK_HEARD_MAX; i++) {
		const struct talk_heard *heard = &talk->heard[i];

		/* A place that was never filled has sequence 0, which no batch ends with a record at. */
		if (heard->sequence == word->end_sequence && heard->sequence != 0 &&
		    memcmp(heard->drop, word->drop, WIRE_HASH_LEN) == 0 &&
		    memcmp(heard->incarnation, word->incarnation, WIRE_INCARNATION_LEN) == 0 &&
		    memcmp(heard->running, word->running_hash, WIRE_HASH_LEN) != 0)
			return true;
	}
	return false;
}

static bool is_signed(const struct talk *talk, const struct talk_relay_word *word)
{
	struct ledger_invitation invitation;
	const uint8_t *key = talk_relay_key(talk, &invitation);
	uint8_t buffer[WIRE_SIGNED_LEN_MAX];
	struct bytes content = wire_signed_batch(word->drop, word->incarnation, word->end_sequence,
						 word->running_hash, buffer);
	bool verified = key != NULL && sign_verify(SIGN_ED25519, BYTES(key, WIRE_KEY_LEN), content,
						   BYTES_OF(word->signature)) == SOTTO_OK;

	bytes_wipe(&invitation, sizeof(invitation));
	return verified;
}

void talk_words_compare(struct talk *talk, const struct wire_list *words)
{
	struct wire_cursor cursor = wire_list_walk(words);
	struct talk_relay_word word;

	while (wire_list_next(&cursor, &talk_relay_word_type, &word)) {
		/* A member who makes up a word proves nothing. */
		if (contradicts(talk, &word) && is_signed(talk, &word))
			talk_problem_set(talk, TALK_PROBLEM_CONTRADICTION, true);
	}
}
