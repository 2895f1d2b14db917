/* SPDX-License-Identifier: Apache-2.0 */
/* One line of JSON to a card: whole, or refused. */
#include "cards/card.h"

#include <stdbool.h>
#include <string.h>

#include "base/assert.h"

static const char *text_of(const json_t *object, const char *name, size_t len_max)
{
	const json_t *value = json_object_get(object, name);
	size_t len = json_string_length(value);

	return len > 0 && len <= len_max ? json_string_value(value) : NULL;
}

/* "2026-11-22T12:41:25.123Z" */
static bool take_time(const char *text, char out[CARD_EXPIRES_LEN + 1])
{
	static const char form[] = "0000-00-00T00:00";

	if (strlen(text) < CARD_EXPIRES_LEN)
		return false;
	for (size_t i = 0; i < CARD_EXPIRES_LEN; i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';

		if (form[i] == '0' ? !digit : text[i] != form[i])
			return false;
	}
	memcpy(out, text, CARD_EXPIRES_LEN);
	out[CARD_EXPIRES_LEN] = '\0';
	out[strlen("2026-11-22")] = ' ';
	return true;
}

enum sotto_err card_init(struct card *card, const char *line, size_t len)
{
	struct card made = {.object = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL)};
	const char *expires;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(!json_is_object(made.object) || json_object_size(made.object) != 5,
		SOTTO_ERR_FORMAT);
	made.network = text_of(made.object, "network", CARD_NAME_MAX);
	made.name = text_of(made.object, "name", CARD_NAME_MAX);
	made.extension = text_of(made.object, "extension", CARD_EXTENSION_MAX);
	made.invitation = text_of(made.object, "invitation", CARD_INVITATION_MAX);
	expires = text_of(made.object, "expires", CARD_NAME_MAX);
	FAIL_IF(made.network == NULL || made.name == NULL || made.extension == NULL ||
			made.invitation == NULL || expires == NULL,
		SOTTO_ERR_FORMAT);
	FAIL_IF(!take_time(expires, made.expires), SOTTO_ERR_FORMAT);
	*card = made;
out:
	if (err != SOTTO_OK)
		json_decref(made.object);
	return err;
}

void card_finish(struct card *card)
{
	if (card != NULL)
		json_decref(card->object);
}
