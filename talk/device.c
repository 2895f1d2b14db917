/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A further device of our own person.
 *
 *   card, shown here --> the new phone makes its keys and posts a petition, signed with the card's key
 *   petition --> asks (event) --> its person types here the code that the new phone shows
 *   code fits --> entry in the ledger, Add, parcel: as for any newcomer (commit.c, inbox.c)
 *
 * Nobody but a person at this phone comes between petition and entry. The card lives in memory, for
 * TALK_CARD_MS and until the phone ends: what was not approved by then never happens. Whoever photographs a card
 * can post a petition of his own; his phone has another code.
 */
#include <string.h>

#include "crypto/hash.h"
#include "crypto/sign.h"
#include "ledger/invitation.h"
#include "talk/access.h"
#include "talk/state.h"

/* Petitions for further devices that wait at once, whoever they are for, and for how long. */
#define FURTHER_MAX 64
#define FURTHER_MS  UINT64_C(3600000)

uint32_t talk_own_member(const struct talk *talk)
{
	const struct ledger_device *device =
		ledger_device_by_key(talk->ledger, talk->identity.public_key);

	return device != NULL ? device->member : 0;
}

void talk_card_close(struct talk *talk)
{
	bytes_wipe(&talk->card, sizeof(talk->card));
}

static bool card_open(const struct talk *talk)
{
	return talk->card.expires_ms != 0 && talk->utc_ms <= talk->card.expires_ms;
}

/* ---- The code ---- */

/*
 * 60 bits: whoever wants another phone to have the same code must make some 2^60 keys while the card is good.
 * Of the device's key alone, which signs all else.
 */
static void code_of(const uint8_t *network, const uint8_t *card_key, const uint8_t *device_key,
		    char code[TALK_CODE_LEN + 1])
{
	uint8_t digest[WIRE_HASH_LEN];
	struct hash hash;

	hash_init(&hash, HASH_SHA256);
	hash_update(&hash, BYTES_TEXT("sotto device code 1"));
	hash_update(&hash, BYTES(network, LEDGER_HASH_LEN));
	hash_update(&hash, BYTES(card_key, LEDGER_KEY_LEN));
	hash_update(&hash, BYTES(device_key, LEDGER_KEY_LEN));
	hash_final(&hash, digest);
	talk_code_put(digest, code);
}

bool talk_join_code(const struct talk *talk, char code[TALK_CODE_LEN + 1])
{
	struct ledger_invitation card;
	struct ledger_place place;
	uint8_t card_key[LEDGER_KEY_LEN];
	bool made = false;

	if (talk->state != TALK_JOINING ||
	    wire_decode(&ledger_invitation_type, talk_blob_bytes(&talk->invitation), &card) !=
		    SOTTO_OK)
		return false;
	if (ledger_invitation_place(&card, &place) &&
	    sign_public(SIGN_ED25519, BYTES_OF(card.private_key), card_key) == SOTTO_OK) {
		code_of(card.network, card_key, talk->identity.public_key, code);
		made = true;
	}
	bytes_wipe(&card, sizeof(card));
	return made;
}

/* ---- The card ---- */

static enum sotto_err card_check(const struct talk *talk, struct bytes name)
{
	if (talk->state != TALK_MEMBER)
		return SOTTO_ERR_STATE;
	if (!ledger_allows_leaf(talk->ledger, talk->identity.public_key, true))
		return SOTTO_ERR_DENIED;
	if (talk_network_room(talk) == 0)
		return SOTTO_ERR_SPACE;
	return ledger_place_check(talk->ledger, talk_own_member(talk), name);
}

void talk_card_put(const struct talk *talk, const uint8_t *private_key,
		   struct ledger_invitation *card)
{
	const struct ledger_found *founding = ledger_founding(talk->ledger);
	const struct talk_access *access = talk_access_first(talk);
	struct talk_drop porch;

	talk_porch_drop(access, &porch);
	*card = (struct ledger_invitation){
		.version = LEDGER_INVITATION_VERSION,
		.relay_address = founding->relay_address,
		.porch_number = access->number,
	};
	memcpy(card->network, ledger_network(talk->ledger), LEDGER_HASH_LEN);
	memcpy(card->private_key, private_key, LEDGER_PRIVATE_LEN);
	memcpy(card->relay_key, founding->relay_key, LEDGER_KEY_LEN);
	talk_derive(access, "sotto porch key 1", BYTES_NONE, card->porch_key);
	memcpy(card->porch_append, porch.append_token, WIRE_TOKEN_LEN);
	memcpy(card->porch_read, porch.read_hash, WIRE_HASH_LEN);
	bytes_wipe(&porch, sizeof(porch));
}

enum sotto_err talk_device_card(struct talk *talk, struct bytes name, struct writer *text,
				uint64_t *expires_ms, uint64_t now_ns, uint64_t utc_ms)
{
	struct ledger_place place = {.name = name};
	struct talk_card made = {.expires_ms = utc_ms + TALK_CARD_MS};
	const struct ledger_member *member;
	struct ledger_invitation card;
	enum sotto_err err = card_check(talk, name);

	if (err == SOTTO_OK)
		err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	member = ledger_member_by_id(talk->ledger, talk_own_member(talk));
	TRY(random_fill(talk->random, made.private_key, sizeof(made.private_key)));
	TRY(sign_public(SIGN_ED25519, BYTES_OF(made.private_key), made.key));
	memcpy(made.name, name.data, name.len);
	made.name_len = name.len;
	memcpy(place.approver, talk->identity.public_key, LEDGER_KEY_LEN);
	talk_card_put(talk, made.private_key, &card);
	card.ledger_length = ledger_length(talk->ledger);
	memcpy(card.ledger_head, ledger_head(talk->ledger, card.ledger_length), LEDGER_HASH_LEN);
	card.extension = member->extension;
	card.name = BYTES(member->name, member->name_len);
	card.expires_ms = made.expires_ms;
	card.further = (struct wire_list){.items = &place, .count = 1};
	TRY(ledger_invitation_encode(&card, text));
	talk->card = made;
	*expires_ms = made.expires_ms;
out:
	bytes_wipe(&card, sizeof(card));
	bytes_wipe(&made, sizeof(made));
	return talk_step_end(talk, err);
}

/* ---- Petitions ---- */

static bool is_ours(const struct talk *talk, const struct ledger_further *further)
{
	return card_open(talk) && memcmp(further->card_key, talk->card.key, LEDGER_KEY_LEN) == 0 &&
	       memcmp(further->approver, talk->identity.public_key, LEDGER_KEY_LEN) == 0 &&
	       bytes_equal(further->name, BYTES(talk->card.name, talk->card.name_len));
}

/* What nobody approved in time is nothing to wait for; of too many at once the first goes. */
static void petitions_prune(struct talk *talk)
{
	struct talk_petition_row *first = NULL;
	size_t count = 0;

	list_for_each (element, following, &talk->petitions) {
		struct talk_petition_row *row =
			CONTAINER_OF(element, struct talk_petition_row, list);

		if (!row->further || row->submitted ||
		    ledger_device_by_key(talk->ledger, row->enrol.device_key) != NULL)
			continue;
		if (talk->utc_ms > row->came_ms + FURTHER_MS) {
			talk_petition_free(talk, row);
			continue;
		}
		first = first == NULL ? row : first;
		count++;
	}
	if (count >= FURTHER_MAX)
		talk_petition_free(talk, first);
}

enum sotto_err talk_further_receive(struct talk *talk, struct bytes bytes)
{
	struct talk_further_petition petition;
	struct ledger_further further;
	struct talk_petition_row *row;
	enum sotto_err err;

	if (wire_decode(&talk_further_petition_type, bytes, &petition) != SOTTO_OK ||
	    petition.form != TALK_FURTHER_FORM ||
	    wire_decode(&ledger_further_type, petition.further, &further) != SOTTO_OK ||
	    ledger_further_verify(ledger_network(talk->ledger), &further) != SOTTO_OK ||
	    talk_petition_of(talk, further.device_key) != NULL)
		return SOTTO_OK;
	err = talk_package_check(talk, further.device_key, petition.key_package);
	if (err != SOTTO_OK)
		return err == SOTTO_ERR_NO_MEMORY ? err : SOTTO_OK;
	petitions_prune(talk);
	row = talk_take(talk, sizeof(*row));
	if (row == NULL)
		return SOTTO_ERR_NO_MEMORY;
	list_init(&row->list);
	row->further = true;
	row->came_ms = talk->utc_ms;
	memcpy(row->enrol.invitation_key, further.card_key, LEDGER_KEY_LEN);
	memcpy(row->enrol.device_key, further.device_key, LEDGER_KEY_LEN);
	memcpy(row->landing_append, petition.landing_append, WIRE_TOKEN_LEN);
	TRY(talk_blob_set(talk, &row->key_package, petition.key_package));
	TRY(talk_blob_set(talk, &row->body, petition.further));
	list_append(&talk->petitions, &row->list);
	talk->news++;
	if (is_ours(talk, &further))
		err = talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_DEVICE_ASKS});
	return err;
out:
	talk_petition_free(talk, row);
	return err;
}

bool talk_device_asks(const struct talk *talk)
{
	list_for_each (element, following, &talk->petitions) {
		const struct talk_petition_row *row =
			CONTAINER_OF(element, struct talk_petition_row, list);
		struct ledger_further further;

		if (row->further && !row->submitted &&
		    wire_decode(&ledger_further_type, talk_blob_bytes(&row->body), &further) ==
			    SOTTO_OK &&
		    is_ours(talk, &further))
			return true;
	}
	return false;
}

static enum sotto_err further_submit(struct talk *talk, struct talk_petition_row *row,
				     const struct ledger_further *further)
{
	union ledger_body body = {.further = *further};
	struct talk_blob entry = {0};
	enum sotto_err err = SOTTO_OK;

	TRY(talk_entry_make(talk, LEDGER_FURTHER, &body, &entry));
	TRY(ledger_check(talk->ledger, talk_blob_bytes(&entry)));
	TRY(talk_submit(talk, talk_blob_bytes(&entry)));
	row->submitted = true;
	talk_card_close(talk);
out:
	talk_blob_clear(talk, &entry);
	return err;
}

/* The petition with this code; NOT_FOUND: none came; VERIFY: none has it. */
static enum sotto_err petition_find(const struct talk *talk, struct bytes typed,
				    struct talk_petition_row **found,
				    struct ledger_further *further)
{
	enum sotto_err err = SOTTO_ERR_NOT_FOUND;

	list_for_each (element, following, &talk->petitions) {
		struct talk_petition_row *row =
			CONTAINER_OF(element, struct talk_petition_row, list);
		struct ledger_further decoded;
		char code[TALK_CODE_LEN + 1];

		if (!row->further || row->submitted ||
		    wire_decode(&ledger_further_type, talk_blob_bytes(&row->body), &decoded) !=
			    SOTTO_OK ||
		    !is_ours(talk, &decoded))
			continue;
		code_of(ledger_network(talk->ledger), decoded.card_key, decoded.device_key, code);
		if (talk_code_fits(code, typed)) {
			*found = row;
			*further = decoded;
			return SOTTO_OK;
		}
		err = SOTTO_ERR_VERIFY;
	}
	return err;
}

enum sotto_err talk_device_approve(struct talk *talk, struct bytes code, uint8_t *device_key,
				   uint64_t now_ns, uint64_t utc_ms)
{
	struct talk_petition_row *row;
	struct ledger_further further;
	enum sotto_err err = talk_step_begin(talk, now_ns, utc_ms);

	if (err != SOTTO_OK)
		return err;
	if (talk->state != TALK_MEMBER || !card_open(talk)) {
		talk_card_close(talk);
		return SOTTO_ERR_STATE;
	}
	if (!talk_group_current(talk, talk->everyone) || !talk_fresh(talk))
		return SOTTO_ERR_AGAIN;
	err = petition_find(talk, code, &row, &further);
	/* Mistyped, or somebody else's phone: after a few of them the card is worth nothing any more. */
	if (err == SOTTO_ERR_VERIFY && ++talk->card.wrong == TALK_CODE_TRIES)
		talk_card_close(talk);
	if (err != SOTTO_OK)
		return err;
	err = card_check(talk, further.name);
	if (err != SOTTO_OK)
		return err;
	memcpy(device_key, further.device_key, LEDGER_KEY_LEN);
	return talk_step_end(talk, further_submit(talk, row, &further));
}

void talk_device_refuse(struct talk *talk)
{
	talk_card_close(talk);
}

/* ---- Out again ---- */

enum sotto_err talk_device_retire(struct talk *talk, uint32_t extension, uint32_t number,
				  uint64_t now_ns, uint64_t utc_ms)
{
	const struct ledger_member *member = ledger_member_by_extension(talk->ledger, extension);
	const struct ledger_device *device =
		member == NULL ? NULL : ledger_device_by_number(talk->ledger, member->id, number);
	union ledger_body body = {0};
	struct talk_blob entry = {0};
	enum sotto_err err = SOTTO_OK;

	if (talk->state != TALK_MEMBER)
		return SOTTO_ERR_STATE;
	if (device == NULL || device->state == LEDGER_DEVICE_REVOKED)
		return SOTTO_ERR_NOT_FOUND;
	/* Not the one in one's hand: what it still has to send would not arrive. */
	if (memcmp(device->key, talk->identity.public_key, LEDGER_KEY_LEN) == 0)
		return SOTTO_ERR_INVALID;
	memcpy(body.subject.device_key, device->key, LEDGER_KEY_LEN);
	/* Somebody else's: an act of the admins. */
	if (device->member != talk_own_member(talk))
		return talk_act_of(talk, LEDGER_RETIRE, &body, now_ns, utc_ms);
	err = talk_step_begin(talk, now_ns, utc_ms);
	if (err != SOTTO_OK)
		return err;
	err = talk_entry_make(talk, LEDGER_RETIRE, &body, &entry);
	if (err == SOTTO_OK) {
		/* Who may not, and what may not be, the ledger says. */
		err = ledger_check(talk->ledger, talk_blob_bytes(&entry));
		if (err != SOTTO_OK) {
			talk_blob_clear(talk, &entry);
			return err;
		}
		err = talk_submit(talk, talk_blob_bytes(&entry));
	}
	talk_blob_clear(talk, &entry);
	return talk_step_end(talk, err);
}
