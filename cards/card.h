/* SPDX-License-Identifier: Apache-2.0 */
/* A card, out of its line. */
#ifndef CARDS_CARD_H
#define CARDS_CARD_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

/* In the longest line of JSON; what fits a card is less, and drawing sees to that. */
#define CARD_INVITATION_MAX 1536
#define CARD_NAME_MAX	    64
#define CARD_EXTENSION_MAX  5
#define CARD_EXPIRES_LEN    16 /* to the minute: "2026-11-22 12:41" */

struct card {
	json_t *object; /* what the following point into */
	const char *network;
	const char *name;
	const char *extension;
	const char *invitation;
	char expires[CARD_EXPIRES_LEN + 1];
};

/* FORMAT: no object of exactly these strings, or one of them is empty, too long or not what it should be. */
MUST_USE enum sotto_err card_init(struct card *card, const char *line, size_t len);
void card_finish(struct card *card);

#endif
