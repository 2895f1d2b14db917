/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the relay takes from k admins only: the next access key, and who the admins are.
 *
 *   the ledger, or an epoch of *everyone*, is a step ahead of the relay
 *     --> each admin's phone signs that step with its rotation key, and says so in *everyone* (body "approval")
 *     --> who has k of these tells the relay, in turn
 *
 * No person is asked: the step follows from entries that k people have signed, and every phone computes the same one. The
 * relay counts by the list that it has, so who was an admin by that one leads it to the next.
 */
#include <string.h>

#include "crypto/sign.h"
#include "talk/access.h"
#include "talk/problem.h"
#include "talk/state.h"

/* Ours is said again so often, while the relay is behind. */
#define SAY_MS UINT64_C(60000)
/* The next one waits so much longer before it tells the relay. */
#define TURN_MS UINT64_C(500)

/* The list by which the relay counts, as far as we know. */
static bool list_of(const struct talk *talk, struct ledger_admin_list *list)
{
	uint64_t ours = ledger_admins_serial(talk->ledger);
	uint64_t serial =
		talk->quorum.serial == 0 || talk->quorum.serial > ours ? ours : talk->quorum.serial;

	return ledger_admins_at(talk->ledger, serial, list) == SOTTO_OK;
}

static const struct ledger_admin_keys *admin_of(const struct ledger_admin_list *list,
						const uint8_t *key)
{
	for (uint32_t i = 0; i < list->count; i++) {
		if (memcmp(list->admins[i].key, key, LEDGER_KEY_LEN) == 0)
			return &list->admins[i];
	}
	return NULL;
}

/* As the relay has them: ascending by the rotation keys. */
static uint8_t place_of(const struct ledger_admin_list *list, const uint8_t *rotation)
{
	uint8_t place = 0;

	for (uint32_t i = 0; i < list->count; i++)
		place = (uint8_t)(place +
				  (memcmp(list->admins[i].rotation, rotation, LEDGER_KEY_LEN) < 0));
	return place;
}

/* ---- What is to be signed ---- */

static void keys_of(const struct ledger_admin_list *list, struct wire_admin_key *keys)
{
	for (uint32_t i = 0; i < list->count; i++)
		memcpy(keys[place_of(list, list->admins[i].rotation)].key, list->admins[i].rotation,
		       WIRE_KEY_LEN);
}

/* The request without its approvals; keys has room for WIRE_ADMINS_MAX. */
static bool change_make(const struct talk *talk, uint64_t serial, struct wire_admin_key *keys,
			struct wire_admins_change *change)
{
	struct ledger_admin_list list;

	if (ledger_admins_at(talk->ledger, serial, &list) != SOTTO_OK)
		return false;
	keys_of(&list, keys);
	*change = (struct wire_admins_change){
		.serial = serial,
		.threshold = (uint8_t)list.threshold,
		.admins = {.items = keys, .count = list.count},
	};
	return true;
}

static bool install_make(const struct talk *talk, uint64_t number, struct wire_key_install *install)
{
	const struct talk_access *access = talk_access_of(talk, number);

	if (access == NULL)
		return false;
	*install = (struct wire_key_install){.number = number};
	talk_derive(access, "sotto access key 1", BYTES_NONE, install->access_key);
	return true;
}

/* Empty: this phone cannot know it. */
static struct bytes content_of(const struct talk *talk, uint8_t kind, uint64_t number,
			       uint8_t *buffer)
{
	struct wire_admin_key keys[WIRE_ADMINS_MAX];
	struct wire_admins_change change;
	struct wire_key_install install;
	struct bytes content = BYTES_NONE;

	if (kind == TALK_STEP_ADMINS && change_make(talk, number, keys, &change))
		return wire_signed_admins_change(ledger_network(talk->ledger), &change, buffer);
	if (kind == TALK_STEP_KEY && install_make(talk, number, &install)) {
		content = wire_signed_key_install(ledger_network(talk->ledger), &install, buffer);
		bytes_wipe(&install, sizeof(install));
	}
	return content;
}

/* ---- The step ---- */

/* Only those whom the relay knows have to care. */
static bool admins_behind(const struct talk *talk)
{
	struct ledger_admin_list list;

	return talk->quorum.serial != 0 &&
	       talk->quorum.serial < ledger_admins_serial(talk->ledger) && list_of(talk, &list) &&
	       admin_of(&list, talk->identity.public_key) != NULL;
}

bool talk_quorum_behind(const struct talk *talk)
{
	return admins_behind(talk) || talk_access_behind(talk);
}

/* Who the admins are comes first: those who are none any more need not be asked for the key. */
static void step_find(struct talk *talk)
{
	struct talk_quorum *quorum = &talk->quorum;
	enum talk_step_kind kind = 0;
	uint64_t number = 0;

	/* How far the relay is may be long known, and no more so. */
	if (quorum->serial != 0 && quorum->ours != ledger_admins_serial(talk->ledger)) {
		quorum->ours = ledger_admins_serial(talk->ledger);
		talk->key_ask = true;
		talk->key_retry_ns = 0;
		talk->key_tries = 0;
	}
	if (admins_behind(talk)) {
		kind = TALK_STEP_ADMINS;
		number = quorum->serial + 1;
	} else if (talk_access_behind(talk)) {
		kind = TALK_STEP_KEY;
		number = talk->key_number + 1;
	}
	if (kind == quorum->kind && number == quorum->number)
		return;
	quorum->kind = kind;
	quorum->number = number;
	quorum->count = 0;
	quorum->said_ns = 0;
	quorum->due_ns = TALK_NEVER;
	if (kind != 0) {
		talk->key_retry_ns = 0;
		talk->key_tries = 0;
	}
}

static void approved_put(struct talk_quorum *quorum, const uint8_t *key, const uint8_t *signature)
{
	for (size_t i = 0; i < quorum->count; i++) {
		if (memcmp(quorum->approved[i].key, key, LEDGER_KEY_LEN) == 0)
			return;
	}
	if (quorum->count == LEDGER_ADMINS_MAX)
		return;
	memcpy(quorum->approved[quorum->count].key, key, LEDGER_KEY_LEN);
	memcpy(quorum->approved[quorum->count++].signature, signature, LEDGER_SIGNATURE_LEN);
}

/* Enough of them: the first in turn tells the relay, the next one if it has not. */
static void turn_find(struct talk *talk, const struct ledger_admin_list *list)
{
	struct talk_quorum *quorum = &talk->quorum;
	const struct ledger_admin_keys *own = admin_of(list, talk->identity.public_key);
	uint64_t turn;

	if (quorum->count < list->threshold || own == NULL || quorum->due_ns != TALK_NEVER)
		return;
	turn = (place_of(list, own->rotation) + quorum->number) % list->count;
	quorum->due_ns = talk->now_ns + turn * TURN_MS * TALK_MS;
	talk->key_retry_ns = 0;
}

static enum sotto_err approval_say(struct talk *talk, const uint8_t *signature)
{
	struct talk_approval approval = {.kind = (uint8_t)talk->quorum.kind,
					 .number = talk->quorum.number};
	struct talk_blob body = {0};
	struct talk_out *out;
	enum sotto_err err = SOTTO_OK;

	memcpy(approval.signature, signature, sizeof(approval.signature));
	TRY(talk_encode(talk, &talk_approval_type, &approval, &body));
	TRY(talk_out_put(talk, talk->everyone, TALK_BODY_APPROVAL, talk_blob_bytes(&body), true,
			 &out));
	talk->quorum.said_ns = talk->now_ns;
out:
	talk_blob_clear(talk, &body);
	return err;
}

static bool say_due(const struct talk *talk)
{
	return talk->quorum.said_ns == 0 || talk->now_ns >= talk->quorum.said_ns + SAY_MS * TALK_MS;
}

/* Ours, if the relay knows us as an admin by the key that we have. */
static enum sotto_err step_sign(struct talk *talk, const struct ledger_admin_list *list)
{
	const struct ledger_admin_keys *own = admin_of(list, talk->identity.public_key);
	uint8_t buffer[WIRE_SIGNED_LEN_MAX];
	uint8_t rotation[LEDGER_KEY_LEN];
	uint8_t signature[LEDGER_SIGNATURE_LEN];
	struct bytes content;
	size_t len;
	enum sotto_err err = SOTTO_OK;

	if (own == NULL || !say_due(talk))
		return SOTTO_OK;
	TRY(sign_public(SIGN_ED25519, BYTES_OF(talk->rotation_seed), rotation));
	content = content_of(talk, (uint8_t)talk->quorum.kind, talk->quorum.number, buffer);
	if (content.len == 0 || memcmp(rotation, own->rotation, sizeof(rotation)) != 0)
		return SOTTO_OK;
	TRY(sign_create(SIGN_ED25519, NULL, BYTES_OF(talk->rotation_seed), content, signature,
			&len));
	approved_put(&talk->quorum, own->key, signature);
	talk->quorum.said_ns = talk->now_ns;
	if (list->threshold > 1 && talk_group_current(talk, talk->everyone))
		err = approval_say(talk, signature);
	else if (list->threshold > 1)
		talk->quorum.said_ns = 0;
out:
	return err;
}

enum sotto_err talk_quorum_work(struct talk *talk)
{
	struct ledger_admin_list list;
	enum sotto_err err = SOTTO_OK;

	if (talk->state != TALK_MEMBER || talk->authority != WIRE_AUTHORITY_FULL ||
	    talk->everyone == NULL)
		return SOTTO_OK;
	step_find(talk);
	if (talk->quorum.kind == 0 || !list_of(talk, &list))
		return SOTTO_OK;
	TRY(step_sign(talk, &list));
	turn_find(talk, &list);
out:
	return err;
}

bool talk_quorum_ready(const struct talk *talk)
{
	return talk->quorum.kind != 0 && talk->authority == WIRE_AUTHORITY_FULL &&
	       talk->now_ns >= talk->quorum.due_ns;
}

/* In ascending order of their places, as many as must be. */
static size_t approvals_of(const struct talk *talk, const struct ledger_admin_list *list,
			   struct wire_approval *approvals)
{
	const struct talk_quorum *quorum = &talk->quorum;
	size_t count = 0;

	for (uint32_t place = 0; place < list->count && count < list->threshold; place++) {
		for (size_t i = 0; i < quorum->count; i++) {
			const struct ledger_admin_keys *admin =
				admin_of(list, quorum->approved[i].key);

			if (admin == NULL || place_of(list, admin->rotation) != place)
				continue;
			approvals[count].admin = (uint8_t)place;
			memcpy(approvals[count++].signature, quorum->approved[i].signature,
			       LEDGER_SIGNATURE_LEN);
		}
	}
	return count;
}

enum sotto_err talk_quorum_tell(struct talk *talk)
{
	struct wire_approval approvals[WIRE_ADMINS_MAX];
	struct wire_admin_key keys[WIRE_ADMINS_MAX];
	struct wire_list approved = {.items = approvals};
	struct wire_admins_change change;
	struct wire_key_install install;
	struct ledger_admin_list list;
	struct talk_asked *asked;
	enum sotto_err err = SOTTO_OK;

	if (!list_of(talk, &list))
		return SOTTO_OK;
	approved.count = approvals_of(talk, &list, approvals);
	if (approved.count < list.threshold)
		return SOTTO_OK;
	if (talk->quorum.kind == TALK_STEP_KEY &&
	    install_make(talk, talk->quorum.number, &install)) {
		install.approvals = approved;
		err = talk_ask(talk, TALK_ASK_INSTALL, &wire_key_install_type, &install, &asked);
		bytes_wipe(&install, sizeof(install));
		TRY(err);
	} else if (talk->quorum.kind == TALK_STEP_ADMINS &&
		   change_make(talk, talk->quorum.number, keys, &change)) {
		change.approvals = approved;
		TRY(talk_ask(talk, TALK_ASK_INSTALL, &wire_admins_change_type, &change, &asked));
	} else {
		return SOTTO_OK;
	}
	talk->key_ticket = asked->ticket;
out:
	return err;
}

uint64_t talk_quorum_due(const struct talk *talk)
{
	struct ledger_admin_list list;
	uint64_t due_ns = TALK_NEVER;

	if (talk->quorum.kind == 0 || talk->authority != WIRE_AUTHORITY_FULL)
		return TALK_NEVER;
	if (talk->quorum.due_ns > talk->now_ns)
		due_ns = talk->quorum.due_ns;
	/* Ours is said again. */
	if (talk->quorum.said_ns != 0 && list_of(talk, &list) && list.threshold > 1)
		due_ns = talk_earlier(due_ns, talk->quorum.said_ns + SAY_MS * TALK_MS);
	return due_ns;
}

/* ---- Heard ---- */

enum sotto_err talk_approval_receive(struct talk *talk, const uint8_t *key, struct bytes body)
{
	const struct ledger_admin_keys *admin;
	uint8_t buffer[WIRE_SIGNED_LEN_MAX];
	struct talk_approval approval;
	struct ledger_admin_list list;
	struct bytes content;

	if (wire_decode(&talk_approval_type, body, &approval) != SOTTO_OK)
		return SOTTO_OK;
	step_find(talk);
	if (talk->quorum.kind == 0 || approval.kind != talk->quorum.kind ||
	    approval.number != talk->quorum.number || !list_of(talk, &list))
		return SOTTO_OK;
	admin = admin_of(&list, key);
	content = content_of(talk, approval.kind, approval.number, buffer);
	if (admin == NULL || content.len == 0 ||
	    sign_verify(SIGN_ED25519, BYTES_OF(admin->rotation), content,
			BYTES_OF(approval.signature)) != SOTTO_OK)
		return SOTTO_OK;
	approved_put(&talk->quorum, key, approval.signature);
	return SOTTO_OK;
}
