/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, code point by code point. */
#include "base/utf8.h"

#include "base/assert.h"

bool utf8_next(struct bytes *text, uint32_t *point)
{
	static const struct {
		uint8_t mask, value, more;
		uint32_t least;
	} forms[] = {
		{0x80, 0x00, 0, 0x0},
		{0xe0, 0xc0, 1, 0x80},
		{0xf0, 0xe0, 2, 0x800},
		{0xf8, 0xf0, 3, 0x10000},
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		uint32_t value;

		if ((text->data[0] & forms[i].mask) != forms[i].value)
			continue;
		if (text->len <= forms[i].more)
			return false;
		value = text->data[0] & (uint8_t)~forms[i].mask;
		for (uint8_t k = 1; k <= forms[i].more; k++) {
			if ((text->data[k] & 0xc0) != 0x80)
				return false;
			value = value << 6 | (text->data[k] & 0x3f);
		}
		if (value < forms[i].least || value > 0x10ffff ||
		    (value >= 0xd800 && value <= 0xdfff))
			return false;
		*text = BYTES(text->data + forms[i].more + 1, text->len - forms[i].more - 1);
		*point = value;
		return true;
	}
	return false;
}

bool utf8_valid(struct bytes text)
{
	uint32_t point;

	while (text.len > 0) {
		if (!utf8_next(&text, &point))
			return false;
	}
	return true;
}
