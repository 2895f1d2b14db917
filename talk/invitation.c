/* SPDX-License-Identifier: Apache-2.0 */
/* Cards that this phone made and that are still good: from the ledger whom they are for, from here their key. */
#include "talk/invitation.h"

#include <string.h>

#include "talk/device.h"

enum sotto_err talk_invitation_make(const struct talk *talk, const struct talk_invite_row *row,
				    struct talk_invitation *out)
{
	const struct ledger_invitation_entry *entry =
		ledger_invitation_by_key(talk->ledger, row->public_key);
	struct talk_invitation made = {.extension = row->extension};
	struct ledger_invitation card = {0};
	struct ledger_entry act;
	union ledger_body body;
	struct writer writer;
	enum sotto_err err = SOTTO_OK;

	TRY(ledger_entry_decode(ledger_entry_bytes(talk->ledger, entry->index), &act));
	TRY(ledger_body_decode(LEDGER_AUTHORISE, act.act.body, &body));
	talk_card_put(talk, row->private_key, &card);
	card.ledger_length = entry->index + 1;
	memcpy(card.ledger_head, ledger_head(talk->ledger, card.ledger_length), LEDGER_HASH_LEN);
	card.extension = row->extension;
	card.name = body.authorise.name;
	card.expires_ms = body.authorise.expires_ms;
	writer_init_fixed(&writer, made.text, sizeof(made.text));
	TRY(ledger_invitation_encode(&card, &writer));
	made.text_len = writer_bytes(&writer).len;
	made.name_len = card.name.len;
	memcpy(made.name, card.name.data, card.name.len);
	made.expires_ms = card.expires_ms;
	*out = made;
out:
	bytes_wipe(&card, sizeof(card));
	bytes_wipe(&made, sizeof(made));
	return err;
}

bool talk_invitation_open(const struct talk *talk, const struct talk_invite_row *row,
			  uint64_t utc_ms)
{
	const struct ledger_invitation_entry *entry =
		ledger_invitation_by_key(talk->ledger, row->public_key);

	return entry != NULL && entry->state == LEDGER_INVITATION_OPEN &&
	       entry->expires_ms > utc_ms;
}

enum sotto_err talk_invitation_after(const struct talk *talk, uint32_t extension, uint64_t utc_ms,
				     struct talk_invitation *invitation)
{
	const struct talk_invite_row *next = NULL;

	list_for_each (element, following, &talk->invites) {
		const struct talk_invite_row *row =
			CONTAINER_OF(element, struct talk_invite_row, list);

		if (row->extension > extension && talk_invitation_open(talk, row, utc_ms) &&
		    (next == NULL || row->extension < next->extension))
			next = row;
	}
	return next != NULL ? talk_invitation_make(talk, next, invitation) : SOTTO_ERR_NOT_FOUND;
}
