/* SPDX-License-Identifier: Apache-2.0 */
/* The text form of an invitation. */
#include "ledger/invitation.h"

#include <string.h>

#include "crypto/armour.h"

static const char prefix[] = "sotto:";

static bool invitation_valid(const struct ledger_invitation *invitation)
{
	struct wire_cursor cursor = wire_list_walk(&invitation->further);
	struct ledger_place place;

	while (wire_list_next(&cursor, &ledger_place_type, &place)) {
		if (!ledger_name_valid(place.name))
			return false;
	}
	return ledger_name_valid(invitation->name) &&
	       ledger_address_valid(invitation->relay_address);
}

bool ledger_invitation_place(const struct ledger_invitation *invitation, struct ledger_place *place)
{
	struct wire_cursor cursor = wire_list_walk(&invitation->further);

	return wire_list_next(&cursor, &ledger_place_type, place);
}

static bool is_space(uint8_t character)
{
	return character == ' ' || (character >= '\t' && character <= '\r');
}

enum sotto_err ledger_invitation_encode(const struct ledger_invitation *invitation,
					struct writer *text)
{
	uint8_t buffer[LEDGER_INVITATION_LEN_MAX];
	struct writer writer;
	enum sotto_err err = SOTTO_OK;

	writer_init_fixed(&writer, buffer, sizeof(buffer));
	FAIL_IF(invitation->version != LEDGER_INVITATION_VERSION, SOTTO_ERR_VERSION);
	FAIL_IF(!invitation_valid(invitation), SOTTO_ERR_INVALID);
	TRY(wire_encode(&ledger_invitation_type, invitation, &writer));
	writer_put_bytes(text, BYTES_TEXT(prefix));
	armour_put(writer_bytes(&writer), text);
	TRY(writer_finish(text));
out:
	bytes_wipe(buffer, sizeof(buffer));
	return err;
}

/* What follows "sotto:", in whatever case, after white space. */
static bool prefix_skip(struct bytes *text)
{
	while (text->len > 0 && is_space(text->data[0]))
		*text = BYTES(text->data + 1, text->len - 1);
	if (text->len < sizeof(prefix) - 1)
		return false;
	for (size_t i = 0; i < sizeof(prefix) - 1; i++) {
		uint8_t character = text->data[i];

		if (character >= 'A' && character <= 'Z')
			character = (uint8_t)(character - 'A' + 'a');
		if (character != (uint8_t)prefix[i])
			return false;
	}
	*text = BYTES(text->data + sizeof(prefix) - 1, text->len - (sizeof(prefix) - 1));
	return true;
}

enum sotto_err ledger_invitation_decode(struct bytes text, uint8_t *buffer,
					struct ledger_invitation *invitation)
{
	struct ledger_invitation decoded = {0};
	size_t len = 0;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(!prefix_skip(&text), SOTTO_ERR_FORMAT);
	TRY(armour_get(text, buffer, LEDGER_INVITATION_LEN_MAX, &len));
	FAIL_IF(buffer[0] != LEDGER_INVITATION_VERSION, SOTTO_ERR_VERSION);
	TRY(wire_decode(&ledger_invitation_type, BYTES(buffer, len), &decoded));
	FAIL_IF(!invitation_valid(&decoded), SOTTO_ERR_INVALID);
	*invitation = decoded;
out:
	bytes_wipe(&decoded, sizeof(decoded));
	return err;
}
