/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An invitation as text, for a card, a QR code, a command line:
 *
 *   "sotto:" base32( struct ledger_invitation | first 4 bytes of SHA-256 over it )
 *
 * Base32 (RFC 4648, without padding) because a QR code holds capitals and digits most tightly, and a
 * person can type it. Whoever has the text can join in that place: it is a secret.
 */
#ifndef LEDGER_INVITATION_H
#define LEDGER_INVITATION_H

#include "ledger/entry.h"

#define LEDGER_INVITATION_VERSION  1
#define LEDGER_INVITATION_LEN_MAX  896	/* decoded */
#define LEDGER_INVITATION_TEXT_MAX 1536 /* with "sotto:", without a terminator */

/* Appends the text. SOTTO_ERR_INVALID: a name or address that may not be. */
MUST_USE enum sotto_err ledger_invitation_encode(const struct ledger_invitation *invitation,
						 struct writer *text);

/*
 * Case is ignored, and so is white space around and inside, which paper and chat windows add. Spans of
 * invitation borrow from buffer (LEDGER_INVITATION_LEN_MAX bytes); wipe both when done.
 * SOTTO_ERR_FORMAT: no invitation, or mistyped. SOTTO_ERR_VERSION, _INVALID, _LIMIT.
 */
MUST_USE enum sotto_err ledger_invitation_decode(struct bytes text, uint8_t *buffer,
						 struct ledger_invitation *invitation);

/* Whose further device it is for; false: it is for a new member. place borrows as the invitation does. */
bool ledger_invitation_place(const struct ledger_invitation *invitation,
			     struct ledger_place *place);

#endif
