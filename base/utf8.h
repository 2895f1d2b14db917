/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 has it: overlong forms, surrogates and what is above U+10FFFF are not valid. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/bytes.h"

/* Takes one code point off the front of a text that is not empty; false: it is not valid there. */
bool utf8_next(struct bytes *text, uint32_t *point);

/* All of it; an empty text is valid. */
bool utf8_valid(struct bytes text);

#endif
