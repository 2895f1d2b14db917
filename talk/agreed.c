/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PSK's id is a talk_context, and the PSK the head in it: nothing secret, but mixed into the epoch, and so agreed by
 * all who are in it. Whether that is a head of the ledger is looked at by who can: a member before it takes the commit
 * (roster.c), a newcomer before it takes the Welcome for its own (join.c), which may be read before the ledger is.
 */
#include "talk/agreed.h"

#include <string.h>

#include "talk/state.h"

bool talk_agreed_read(struct bytes context, struct talk_agreed *agreed)
{
	struct talk_context stated;

	if (wire_decode(&talk_context_type, context, &stated) != SOTTO_OK ||
	    stated.version != TALK_VERSION || stated.kind != TALK_EVERYONE)
		return false;
	agreed->length = stated.ledger_length;
	memcpy(agreed->head, stated.ledger_head, LEDGER_HASH_LEN);
	return true;
}

bool talk_agreed_extension(struct bytes extensions, struct talk_agreed *agreed)
{
	struct bytes data;

	return mls_extension_find(extensions, TALK_CONTEXT_EXTENSION, &data) == SOTTO_OK &&
	       talk_agreed_read(data, agreed);
}

enum sotto_err talk_agreed_find(void *context, struct bytes id, struct bytes *psk)
{
	struct talk_agreed *agreed = context;

	if (!talk_agreed_read(id, agreed) || agreed->length == 0)
		return SOTTO_ERR_NOT_FOUND;
	*psk = BYTES_OF(agreed->head);
	return SOTTO_OK;
}
