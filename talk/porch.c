/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The porch, from inside: petitions of those who have a card. A member, by rank, puts the enrol entry into
 * *everyone*; the Add follows from the entry (commit.c).
 */
#include <string.h>

#include "crypto/hash.h"
#include "talk/state.h"

struct talk_petition_row *talk_petition_of(struct talk *talk, const uint8_t *device_key)
{
	list_for_each (element, following, &talk->petitions) {
		struct talk_petition_row *row =
			CONTAINER_OF(element, struct talk_petition_row, list);

		if (memcmp(row->enrol.device_key, device_key, LEDGER_KEY_LEN) == 0)
			return row;
	}
	return NULL;
}

static enum sotto_err petition_check(const struct talk *talk, const struct talk_petition *petition,
				     struct ledger_enrol *enrol)
{
	if (petition->version != TALK_VERSION ||
	    wire_decode(&ledger_enrol_type, petition->enrol, enrol) != SOTTO_OK ||
	    ledger_enrol_verify(ledger_network(talk->ledger), enrol) != SOTTO_OK)
		return SOTTO_ERR_INVALID;
	return talk_package_check(talk, enrol->device_key, petition->key_package);
}

enum sotto_err talk_porch_receive(struct talk *talk, struct bytes record)
{
	struct talk_blob opened = {0};
	struct talk_petition petition;
	struct talk_petition_row *row;
	struct ledger_enrol enrol;
	size_t count = 0;
	enum sotto_err err = talk_record_open(talk, &talk->porch, record, &opened);

	if (err != SOTTO_OK)
		return err == SOTTO_ERR_NO_MEMORY ? err : SOTTO_OK;
	if (opened.len > 0 && opened.data[0] == TALK_PLEA_FORM) {
		err = talk_plea_receive(talk, talk_blob_bytes(&opened));
		goto out;
	}
	if (opened.len > 0 && opened.data[0] == TALK_BRANCH_FORM) {
		err = talk_fork_porch(talk, talk_blob_bytes(&opened));
		goto out;
	}
	if (opened.len > 0 && opened.data[0] == TALK_FURTHER_FORM) {
		err = talk_further_receive(talk, talk_blob_bytes(&opened));
		goto out;
	}
	list_for_each (element, following, &talk->petitions) {
		row = CONTAINER_OF(element, struct talk_petition_row, list);
		count += !row->further &&
			 ledger_device_by_key(talk->ledger, row->enrol.device_key) == NULL;
	}
	if (count >= TALK_PETITIONS_MAX ||
	    wire_decode(&talk_petition_type, talk_blob_bytes(&opened), &petition) != SOTTO_OK)
		goto out;
	err = petition_check(talk, &petition, &enrol);
	if (err != SOTTO_OK || talk_petition_of(talk, enrol.device_key) != NULL) {
		err = err == SOTTO_ERR_NO_MEMORY ? err : SOTTO_OK;
		goto out;
	}
	row = talk_take(talk, sizeof(*row));
	FAIL_IF(row == NULL, SOTTO_ERR_NO_MEMORY);
	list_init(&row->list);
	row->enrol = enrol;
	memcpy(row->landing_append, petition.landing_append, WIRE_TOKEN_LEN);
	err = talk_blob_set(talk, &row->key_package, petition.key_package);
	talk->news++;
	if (err == SOTTO_OK)
		list_append(&talk->petitions, &row->list);
	else
		talk_petition_free(talk, row);
out:
	talk_blob_clear(talk, &opened);
	return err;
}

/* The ledger's word on a petition: would the entry apply, if its time is now? */
static bool petition_open(const struct talk *talk, const struct talk_petition_row *row)
{
	const struct ledger_invitation_entry *invitation =
		ledger_invitation_by_key(talk->ledger, row->enrol.invitation_key);

	return invitation != NULL && invitation->state == LEDGER_INVITATION_OPEN &&
	       talk->utc_ms <= invitation->expires_ms &&
	       ledger_device_by_key(talk->ledger, row->enrol.device_key) == NULL;
}

static enum sotto_err enrol_submit(struct talk *talk, const struct talk_petition_row *row)
{
	union ledger_body body = {.enrol = row->enrol};
	struct talk_blob entry = {0};
	enum sotto_err err = SOTTO_OK;

	TRY(talk_entry_make(talk, LEDGER_ENROL, &body, &entry));
	TRY(talk_submit(talk, talk_blob_bytes(&entry)));
out:
	talk_blob_clear(talk, &entry);
	return err;
}

/* Places in the network that we have not promised to somebody already. */
static size_t porch_room(const struct talk *talk)
{
	size_t room = talk_network_room(talk);

	list_for_each (element, following, &talk->petitions) {
		const struct talk_petition_row *row =
			CONTAINER_OF(element, struct talk_petition_row, list);

		if (room > 0 && row->submitted &&
		    ledger_device_by_key(talk->ledger, row->enrol.device_key) == NULL)
			room--;
	}
	return room;
}

enum sotto_err talk_porch_work(struct talk *talk)
{
	struct mls_member member;
	size_t room;

	if (list_empty(&talk->petitions) || !talk_fresh(talk) ||
	    !talk_group_current(talk, talk->everyone) || talk->everyone->pending.count > 0 ||
	    !ledger_allows_leaf(talk->ledger, talk->identity.public_key, true))
		return SOTTO_OK;
	room = porch_room(talk);
	list_for_each (element, following, &talk->petitions) {
		struct talk_petition_row *row =
			CONTAINER_OF(element, struct talk_petition_row, list);
		enum sotto_err err;

		/* Done: in the ledger, in the group, and heard there; else it may have to be added anew. */
		if (mls_group_find_member(talk->everyone->mls, BYTES_OF(row->enrol.device_key),
					  &member) == SOTTO_OK) {
			if (!talk_owed(talk->everyone, row->enrol.device_key))
				talk_petition_free(talk, row);
			continue;
		}
		/* A further device waits for its own person. */
		if (row->further || row->submitted || room == 0 || !petition_open(talk, row))
			continue;
		if (row->due_ns == 0)
			row->due_ns = talk->now_ns + talk_rank(talk, talk->everyone,
							       BYTES_OF(row->enrol.device_key)) *
							     TALK_RANK_MS * TALK_MS;
		if (talk->now_ns < row->due_ns)
			continue;
		err = enrol_submit(talk, row);
		if (err != SOTTO_OK)
			return err;
		row->submitted = true;
		room--;
	}
	return SOTTO_OK;
}
