/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PSK's id is a talk_context, and the PSK the head in it: nothing secret, but mixed into the epoch, and so agreed by
 * all who are in it. Whether that is a head of the ledger is looked at by who can: a member before it takes the commit
 * (roster.c), a newcomer before it takes the Welcome for its own (join.c), which may be read before the ledger is.
 */
#include "talk/agreed.h"

#include <string.h>

#include "talk/state.h"

static bool context_read(struct bytes encoded, struct talk_context *context)
{
	return wire_decode(&talk_context_type, encoded, context) == SOTTO_OK &&
	       context->version == TALK_VERSION && context->kind == TALK_EVERYONE;
}

enum sotto_err talk_agreed_find(void *context, struct bytes id, struct bytes *psk)
{
	struct talk_agreed *agreed = context;
	struct talk_context stated;

	if (!context_read(id, &stated) || stated.ledger_length == 0)
		return SOTTO_ERR_NOT_FOUND;
	agreed->length = stated.ledger_length;
	memcpy(agreed->head, stated.ledger_head, LEDGER_HASH_LEN);
	*psk = BYTES_OF(agreed->head);
	return SOTTO_OK;
}

bool talk_agreed_fits(const struct ledger *ledger, struct bytes context, uint64_t *length)
{
	struct talk_context stated;
	const uint8_t *head;

	if (!context_read(context, &stated))
		return false;
	head = ledger_head(ledger, stated.ledger_length);
	*length = stated.ledger_length;
	return head != NULL && memcmp(head, stated.ledger_head, LEDGER_HASH_LEN) == 0;
}
