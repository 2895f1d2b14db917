/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people see as one character: an extended grapheme cluster of Unicode (UAX #29), by the tables of utf8proc.
 *
 * Phones whose library knows another version of Unicode may judge differently of what came in between; nothing but
 * what is shown may hang on it.
 */
#ifndef TALK_GRAPHEME_H
#define TALK_GRAPHEME_H

#include "base/bytes.h"

/*
 * Is it UTF-8, one extended grapheme cluster, and something that can stand alone: no control, space or line end, and
 * nothing that only changes what is before it?
 */
bool talk_grapheme_one(struct bytes text);

/* What a reaction may say: one, or nothing, which takes back the one before. */
bool talk_reaction_valid(struct bytes reaction);

#endif
