/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One character as people see it. The first code point must be able to stand alone; no boundary may come before any
 * other one:
 *
 *   thumbs up, skin tone        woman ZWJ laptop        regional A, regional T        1, variation, keycap
 */
#include <utf8proc.h>

#include "base/utf8.h"
#include "talk/grapheme.h"

/* What is seen although nothing is before it. */
static bool stands_alone(utf8proc_int32_t point)
{
	const utf8proc_property_t *property = utf8proc_get_property(point);

	if (property->category == UTF8PROC_CATEGORY_ZS)
		return false;
	return property->boundclass != UTF8PROC_BOUNDCLASS_CR &&
	       property->boundclass != UTF8PROC_BOUNDCLASS_LF &&
	       property->boundclass != UTF8PROC_BOUNDCLASS_CONTROL &&
	       property->boundclass != UTF8PROC_BOUNDCLASS_EXTEND &&
	       property->boundclass != UTF8PROC_BOUNDCLASS_ZWJ &&
	       property->boundclass != UTF8PROC_BOUNDCLASS_SPACINGMARK;
}

bool talk_grapheme_one(struct bytes text)
{
	utf8proc_int32_t before, state = 0;
	uint32_t point;

	if (text.len == 0 || !utf8_next(&text, &point) || !stands_alone((utf8proc_int32_t)point))
		return false;
	while (text.len > 0) {
		before = (utf8proc_int32_t)point;
		if (!utf8_next(&text, &point) ||
		    utf8proc_grapheme_break_stateful(before, (utf8proc_int32_t)point, &state))
			return false;
	}
	return true;
}

bool talk_reaction_valid(struct bytes reaction)
{
	return reaction.len == 0 || talk_grapheme_one(reaction);
}
