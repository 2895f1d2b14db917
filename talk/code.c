/* SPDX-License-Identifier: Apache-2.0 */
/* Codes that people read out and type: 60 bits of a digest as 12 characters of base32. */
#include <string.h>

#include "crypto/armour.h"
#include "talk/state.h"

/* Of the digest: as many as its characters begin in. */
#define CODE_BYTES ((TALK_CODE_LEN * 5 + 7) / 8)

void talk_code_put(const uint8_t *digest, char code[TALK_CODE_LEN + 1])
{
	uint8_t text[64];
	struct writer writer;

	writer_init_fixed(&writer, text, sizeof(text));
	armour_put(BYTES(digest, CODE_BYTES), &writer);
	memcpy(code, text, TALK_CODE_LEN);
	code[TALK_CODE_LEN] = '\0';
}

bool talk_code_fits(const char code[TALK_CODE_LEN + 1], struct bytes typed)
{
	size_t at = 0;

	for (size_t i = 0; i < typed.len; i++) {
		char character = (char)typed.data[i];

		if (character == ' ' || character == '-')
			continue;
		if (character >= 'a' && character <= 'z')
			character = (char)(character - 'a' + 'A');
		if (at == TALK_CODE_LEN || character != code[at++])
			return false;
	}
	return at == TALK_CODE_LEN;
}
