/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining: keys of this device, signed with the invitation's key, posted to the porch; then a parcel that
 * must show this phone the network that its card names, before anything in it is used.
 */
#include <string.h>

#include "crypto/hash.h"
#include "talk/problem.h"
#include "talk/state.h"

/* A sponsor's clock may differ by so much from ours; the link's tokens need as much. */
#define CLOCK_MS TALK_CLOCK_MS

static enum sotto_err invitation_of(const struct talk *talk, struct ledger_invitation *invitation)
{
	return wire_decode(&ledger_invitation_type, talk_blob_bytes(&talk->invitation), invitation);
}

/* For its person to approve: signed for who made the card, so that nobody else can. */
static enum sotto_err further_make(struct talk *talk, const struct ledger_invitation *invitation,
				   const struct ledger_place *place, struct talk_blob *whole)
{
	struct talk_package *package = talk_package_of(talk, talk->identity.public_key);
	struct talk_further_petition petition = {.form = TALK_FURTHER_FORM};
	struct ledger_further further = {.name = place->name};
	struct talk_blob encoded = {0};
	enum sotto_err err = SOTTO_OK;

	memcpy(further.approver, place->approver, LEDGER_KEY_LEN);
	wire_read_token_hash(talk->inbox_read, further.inbox_read);
	TRY(ledger_further_sign(invitation->network, BYTES_OF(invitation->private_key),
				secret_bytes(&talk->identity.private_key), &further));
	TRY(talk_encode(talk, &ledger_further_type, &further, &encoded));
	petition.further = talk_blob_bytes(&encoded);
	petition.key_package = talk_blob_bytes(&package->message);
	memcpy(petition.landing_append, talk->landing_append, WIRE_TOKEN_LEN);
	TRY(talk_encode(talk, &talk_further_petition_type, &petition, whole));
out:
	talk_blob_clear(talk, &encoded);
	return err;
}

static void porch_of(const struct ledger_invitation *invitation, struct talk_drop *drop)
{
	*drop = (struct talk_drop){0};
	memcpy(drop->append_token, invitation->porch_append, WIRE_TOKEN_LEN);
	hash_digest(HASH_SHA256, BYTES_OF(drop->append_token), drop->record_key);
	wire_append_token_hash(drop->append_token, drop->append_hash);
	memcpy(drop->read_hash, invitation->porch_read, WIRE_HASH_LEN);
	talk_drop_name(drop);
}

/* The porch that we post to and the inbox that we land in. */
enum sotto_err talk_join_drops(struct talk *talk)
{
	struct ledger_invitation invitation;
	struct talk_drop *landing = &talk->inbox;
	enum sotto_err err = SOTTO_OK;

	TRY(invitation_of(talk, &invitation));
	porch_of(&invitation, &talk->porch);
	*landing = (struct talk_drop){.flags = WIRE_DROP_INBOX | WIRE_DROP_CATCH_UP};
	memcpy(landing->append_token, talk->landing_append, WIRE_TOKEN_LEN);
	memcpy(landing->read_token, talk->inbox_read, WIRE_TOKEN_LEN);
	wire_append_token_hash(landing->append_token, landing->append_hash);
	wire_read_token_hash(landing->read_token, landing->read_hash);
	talk_drop_name(landing);
out:
	bytes_wipe(&invitation, sizeof(invitation));
	return err;
}

static enum sotto_err join_begin(struct talk *talk, const struct ledger_invitation *invitation)
{
	struct talk_package *package;
	struct talk_blob card = {0};
	enum sotto_err err = SOTTO_OK;

	TRY(talk_encode(talk, &ledger_invitation_type, invitation, &card));
	/* Asked twice, it goes on; another card takes the place of the one before. */
	if (talk->state == TALK_JOINING &&
	    bytes_equal(talk_blob_bytes(&card), talk_blob_bytes(&talk->invitation)))
		goto out;
	if (talk->state != TALK_EMPTY)
		TRY(talk_forget(talk));
	talk->invitation = card;
	card = (struct talk_blob){0};
	TRY(talk_identity_make(talk));
	TRY(talk_package_make(talk, &package));
	TRY(talk_join_drops(talk));
	talk->state = TALK_JOINING;
	talk->dirty = true;
	TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_STATE}));
	TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_LINK}));
out:
	talk_blob_clear(talk, &card);
	return err;
}

enum sotto_err talk_join(struct talk *talk, struct bytes text, uint64_t now_ns, uint64_t utc_ms)
{
	uint8_t buffer[LEDGER_INVITATION_LEN_MAX];
	struct ledger_invitation invitation;
	enum sotto_err err = SOTTO_OK;

	if (talk->state >= TALK_MEMBER)
		return SOTTO_ERR_STATE;
	err = ledger_invitation_decode(text, buffer, &invitation);
	if (err == SOTTO_OK && invitation.expires_ms < utc_ms)
		err = SOTTO_ERR_TOO_OLD;
	if (err == SOTTO_OK)
		err = talk_step_begin(talk, now_ns, utc_ms);
	if (err == SOTTO_OK)
		err = talk_step_end(talk, join_begin(talk, &invitation));
	bytes_wipe(buffer, sizeof(buffer));
	bytes_wipe(&invitation, sizeof(invitation));
	return err;
}

static enum sotto_err petition_make(struct talk *talk, const struct ledger_invitation *invitation,
				    struct talk_blob *record)
{
	struct talk_package *package = talk_package_of(talk, talk->identity.public_key);
	struct ledger_enrol enrol = {0};
	struct talk_petition petition = {.version = TALK_VERSION};
	struct talk_blob encoded = {0};
	struct talk_blob whole = {0};
	struct ledger_place place;
	enum sotto_err err = SOTTO_OK;

	if (ledger_invitation_place(invitation, &place)) {
		TRY(further_make(talk, invitation, &place, &whole));
		err = talk_record_seal(talk, &talk->porch, talk_blob_bytes(&whole), record);
		goto out;
	}
	wire_read_token_hash(talk->inbox_read, enrol.inbox_read);
	TRY(ledger_enrol_sign(invitation->network, BYTES_OF(invitation->private_key),
			      secret_bytes(&talk->identity.private_key), &enrol));
	TRY(talk_encode(talk, &ledger_enrol_type, &enrol, &encoded));
	petition.enrol = talk_blob_bytes(&encoded);
	petition.key_package = talk_blob_bytes(&package->message);
	memcpy(petition.landing_append, talk->landing_append, WIRE_TOKEN_LEN);
	TRY(talk_encode(talk, &talk_petition_type, &petition, &whole));
	TRY(talk_record_seal(talk, &talk->porch, talk_blob_bytes(&whole), record));
out:
	talk_blob_clear(talk, &encoded);
	talk_blob_clear(talk, &whole);
	return err;
}

/* Once on each link: whether the relay still has an earlier one does not matter, members read it once. */
enum sotto_err talk_join_work(struct talk *talk)
{
	struct ledger_invitation invitation;
	struct talk_blob record = {0};
	struct talk_asked *asked;
	enum sotto_err err = SOTTO_OK;

	if (talk->authority != WIRE_AUTHORITY_PORCH || talk->petition_stored ||
	    talk->petition_ticket != 0 || talk->now_ns < talk->retry_ns)
		return SOTTO_OK;
	TRY(invitation_of(talk, &invitation));
	TRY(petition_make(talk, &invitation, &record));
	TRY(talk_ask_append(talk, TALK_ASK_APPEND_PETITION, talk->porch.append_token,
			    talk->porch.read_hash, talk->porch.flags, talk_blob_bytes(&record),
			    &asked));
	talk->petition_ticket = asked->ticket;
out:
	bytes_wipe(&invitation, sizeof(invitation));
	talk_blob_clear(talk, &record);
	return err == SOTTO_ERR_AGAIN ? SOTTO_OK : err;
}

/* The whole history, from its first entry, as everybody checks it. */
enum sotto_err talk_ledger_take(struct talk *talk, const struct talk_contents *contents,
				struct ledger **ledger)
{
	struct wire_cursor cursor = wire_list_walk(&contents->entries);
	struct ledger *made = NULL;
	struct talk_entry entry;
	enum sotto_err err = ledger_create(talk->allocator, &made);

	while (err == SOTTO_OK && wire_list_next(&cursor, &talk_entry_type, &entry))
		err = ledger_append(made, entry.entry);
	if (err == SOTTO_OK)
		*ledger = made;
	else
		ledger_destroy(made);
	return err;
}

/* Is it the network of the card, is our own invitation in it, and used by nobody but us? */
static bool ledger_fits(const struct talk *talk, const struct ledger *ledger,
			const struct ledger_invitation *card, uint64_t asked_ms)
{
	const struct ledger_device *own = ledger_device_by_key(ledger, talk->identity.public_key);
	const struct ledger_member *member;
	struct ledger_entry enrol;
	struct ledger_place place;
	union ledger_body body;
	bool further = ledger_invitation_place(card, &place);

	if (memcmp(ledger_network(ledger), card->network, LEDGER_HASH_LEN) != 0 ||
	    !ledger_head_is(ledger, card->ledger_length, card->ledger_head) || own == NULL ||
	    own->state == LEDGER_DEVICE_REVOKED)
		return false;
	member = ledger_member_by_id(ledger, own->member);
	if (member == NULL || member->extension != card->extension ||
	    !bytes_equal(BYTES(member->name, member->name_len), card->name) ||
	    memcmp(ledger_founding(ledger)->relay_key, card->relay_key, LEDGER_KEY_LEN) != 0)
		return false;
	if (ledger_entry_decode(ledger_entry_bytes(ledger, own->index), &enrol) != SOTTO_OK ||
	    enrol.act.action != (further ? LEDGER_FURTHER : LEDGER_ENROL) ||
	    ledger_body_decode(enrol.act.action, enrol.act.body, &body) != SOTTO_OK)
		return false;
	/* By whom the card names, as the ledger's rule is that he signed it. */
	if (further && (memcmp(body.further.approver, place.approver, LEDGER_KEY_LEN) != 0 ||
			!bytes_equal(body.further.name, place.name)))
		return false;
	/* That its sponsor is enrolled is a rule of the ledger; that his time is fresh is ours. */
	return enrol.act.stated_ms + CLOCK_MS >= asked_ms &&
	       enrol.act.stated_ms <= talk->utc_ms + CLOCK_MS;
}

/* Is this member in the group on any device? */
static bool is_in(const struct ledger *ledger, const struct mls_group *mls, uint32_t id)
{
	struct mls_member member;
	uint32_t cursor = 0;

	while (mls_group_next_member(mls, &cursor, &member)) {
		if (ledger_device_by_key(ledger, member.signature_key.data)->member == id)
			return true;
	}
	return false;
}

/*
 * Nobody is in the group whom the ledger does not have, and nobody is missing. Who was enrolled at about
 * that time may be on his way in. One of several devices of somebody may be missing: else a member could put
 * one into the ledger that never comes, and keep everybody out.
 */
bool talk_leaves_fit(const struct ledger *ledger, const struct mls_group *mls, uint64_t since_ms)
{
	struct mls_member member;
	uint32_t cursor = 0;

	while (mls_group_next_member(mls, &cursor, &member)) {
		if (member.signature_key.len != LEDGER_KEY_LEN ||
		    !bytes_equal(member.credential.content, member.signature_key) ||
		    !ledger_allows_leaf(ledger, member.signature_key.data, false))
			return false;
	}
	for (uint32_t i = 0; i < ledger_device_count(ledger); i++) {
		const struct ledger_device *device = ledger_device_at(ledger, i);

		if (device->state != LEDGER_DEVICE_REVOKED &&
		    mls_group_find_member(mls, BYTES_OF(device->key), &member) != SOTTO_OK &&
		    ledger_member_by_id(ledger, device->member)->since_ms + CLOCK_MS < since_ms &&
		    (ledger_member_by_id(ledger, device->member)->numbers < 2 ||
		     !is_in(ledger, mls, device->member)))
			return false;
	}
	return true;
}

/* The ledger's head in *everyone*'s epoch, agreed by all members and no older than our entry. */
bool talk_context_names(const struct talk *talk, const struct ledger *ledger,
			const struct mls_group *mls, const struct talk_agreed *agreed)
{
	const struct ledger_device *own = ledger_device_by_key(ledger, talk->identity.public_key);
	struct mls_context context;
	struct talk_agreed stated;

	mls_group_context(mls, &context);
	if (!bytes_equal(context.group_id, BYTES(ledger_network(ledger), LEDGER_HASH_LEN)) ||
	    !talk_agreed_extension(context.extensions, &stated) ||
	    !ledger_head_is(ledger, stated.length, stated.head))
		return false;
	if (agreed->length == 0)
		agreed = &stated;
	return ledger_head_is(ledger, agreed->length, agreed->head) && agreed->length > own->index;
}

/* What is no key package of anybody's is left out; its device announces another one. */
static enum sotto_err package_take(struct talk *talk, struct bytes message)
{
	struct mls_key_package_info info;
	enum sotto_err err = mls_key_package_check(&talk->mls, message, 0, &info);

	if (err == SOTTO_OK && (info.member.signature_key.len != LEDGER_KEY_LEN ||
				bytes_equal(info.member.signature_key,
					    BYTES(talk->identity.public_key, LEDGER_KEY_LEN))))
		return SOTTO_OK;
	if (err == SOTTO_OK)
		err = talk_package_put(talk, info.member.signature_key.data, message);
	return err == SOTTO_ERR_NO_MEMORY ? err : SOTTO_OK;
}

enum sotto_err talk_packages_take(struct talk *talk, const struct talk_contents *contents)
{
	struct wire_cursor cursor = wire_list_walk(&contents->key_packages);
	struct talk_key_package item;
	enum sotto_err err = SOTTO_OK;

	while (err == SOTTO_OK && wire_list_next(&cursor, &talk_key_package_type, &item))
		err = package_take(talk, item.message);
	return err;
}

/* Numbers fall, down to the first. */
bool talk_access_fits(const struct talk_parcel *parcel)
{
	struct wire_cursor cursor = wire_list_walk(&parcel->access);
	uint64_t before = UINT64_MAX;
	struct talk_access access;

	while (wire_list_next(&cursor, &talk_access_type, &access)) {
		if (access.number >= before)
			before = 0;
		else
			before = access.number;
	}
	bytes_wipe(&access, sizeof(access));
	return before == 1;
}

void talk_access_take(struct talk *talk, const struct talk_parcel *parcel)
{
	struct wire_cursor cursor = wire_list_walk(&parcel->access);
	size_t count = 0;

	while (count < TALK_ACCESS_MAX &&
	       wire_list_next(&cursor, &talk_access_type, &talk->access[count]))
		count++;
	talk->access_count = count;
}

/* All checks are done: from here on this phone is a member. */
static enum sotto_err join_finish(struct talk *talk, const struct talk_parcel *parcel,
				  const struct talk_contents *contents, struct ledger *ledger,
				  struct mls_group **mls)
{
	enum sotto_err err = SOTTO_OK;

	ledger_destroy(talk->ledger);
	talk->ledger = ledger;
	talk_access_take(talk, parcel);
	TRY(talk_group_put(talk, *mls, TALK_EVERYONE, UINT32_MAX, &talk->everyone));
	*mls = NULL;
	talk_update_first(talk->everyone);
	TRY(talk_packages_take(talk, contents));
	TRY(talk_owed_welcome(talk, talk->everyone));
	TRY(talk_cancel(talk, talk->inbox.ticket));
	talk_member_drops(talk);
	talk_blob_clear(talk, &talk->invitation);
	talk->state = TALK_MEMBER;
	talk->dirty = true;
	TRY(talk_package_announce(talk));
	talk_problem_set(talk, TALK_PROBLEM_ONE_PERSON, ledger_one_person_controls(talk->ledger));
	TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_STATE}));
	TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_LINK}));
	TRY(talk_tell(talk, &(struct talk_event){.type = TALK_EVENT_MEMBERS}));
out:
	return err;
}

/* What does not hold is not joined: a parcel by somebody else may still come. */
enum sotto_err talk_join_parcel(struct talk *talk, const struct talk_parcel *parcel,
				const struct talk_contents *contents)
{
	struct talk_package *package = talk_package_of(talk, talk->identity.public_key);
	const struct ledger_device *own;
	struct ledger_invitation card;
	struct ledger *ledger = NULL;
	struct mls_group *mls = NULL;
	enum sotto_err err = SOTTO_OK;

	TRY(invitation_of(talk, &card));
	FAIL_IF(parcel->version != TALK_VERSION || !talk_access_fits(parcel), SOTTO_ERR_INVALID);
	TRY(talk_ledger_take(talk, contents, &ledger));
	FAIL_IF(!ledger_fits(talk, ledger, &card, package->made_ms), SOTTO_ERR_INVALID);
	TRY(talk_welcome_join(talk, parcel->welcome, contents->tree, &mls));
	own = ledger_device_by_key(ledger, talk->identity.public_key);
	FAIL_IF(!talk_leaves_fit(ledger, mls, own->since_ms) ||
			!talk_context_names(talk, ledger, mls, &talk->agreed),
		SOTTO_ERR_INVALID);
	err = join_finish(talk, parcel, contents, ledger, &mls);
	ledger = NULL;
out:
	ledger_destroy(ledger);
	mls_group_destroy(mls);
	bytes_wipe(&card, sizeof(card));
	return err;
}
