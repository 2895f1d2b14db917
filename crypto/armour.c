/* SPDX-License-Identifier: Apache-2.0 */
/* Base32 with a check of its own. */
#include "crypto/armour.h"

#include <stdbool.h>
#include <string.h>

#include "crypto/hash.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static void check_of(struct bytes content, uint8_t check[ARMOUR_CHECK_LEN])
{
	uint8_t digest[HASH_LEN_MAX];

	hash_digest(HASH_SHA256, content, digest);
	memcpy(check, digest, ARMOUR_CHECK_LEN);
}

/* Five bits a character, the last one filled with zeros. */
void armour_put(struct bytes bytes, struct writer *text)
{
	uint8_t check[ARMOUR_CHECK_LEN];
	uint32_t held = 0;
	uint32_t bits = 0;

	check_of(bytes, check);
	for (size_t i = 0; i < bytes.len + ARMOUR_CHECK_LEN; i++) {
		held = (held << 8 | (i < bytes.len ? bytes.data[i] : check[i - bytes.len])) & 0xfff;
		for (bits += 8; bits >= 5; bits -= 5)
			writer_put_u8(text, (uint8_t)alphabet[held >> (bits - 5) & 31]);
	}
	if (bits > 0)
		writer_put_u8(text, (uint8_t)alphabet[held << (5 - bits) & 31]);
}

/* -1: not of the alphabet. */
static int base32_value(uint8_t character)
{
	if (character >= 'A' && character <= 'Z')
		return character - 'A';
	if (character >= 'a' && character <= 'z')
		return character - 'a';
	if (character >= '2' && character <= '7')
		return character - '2' + 26;
	return -1;
}

static bool is_space(uint8_t character)
{
	return character == ' ' || (character >= '\t' && character <= '\r');
}

/* One text for one content: a last character with bits that no byte has is refused. */
static enum sotto_err base32_get(struct bytes text, uint8_t *out, size_t capacity, size_t *len)
{
	uint32_t held = 0;
	uint32_t bits = 0;
	size_t done = 0;

	for (size_t i = 0; i < text.len; i++) {
		int value = base32_value(text.data[i]);

		if (is_space(text.data[i]))
			continue;
		if (value < 0)
			return SOTTO_ERR_FORMAT;
		held = (held << 5 | (uint32_t)value) & 0xfff;
		bits += 5;
		if (bits < 8)
			continue;
		if (done == capacity)
			return SOTTO_ERR_LIMIT;
		bits -= 8;
		out[done++] = (uint8_t)(held >> bits);
	}
	if (bits >= 5 || (held & ((1u << bits) - 1)) != 0)
		return SOTTO_ERR_FORMAT;
	*len = done;
	return SOTTO_OK;
}

enum sotto_err armour_get(struct bytes text, uint8_t *out, size_t capacity, size_t *len)
{
	uint8_t check[ARMOUR_CHECK_LEN];
	size_t done = 0;
	enum sotto_err err;

	TRY(base32_get(text, out, capacity, &done));
	FAIL_IF(done <= ARMOUR_CHECK_LEN, SOTTO_ERR_FORMAT);
	done -= ARMOUR_CHECK_LEN;
	check_of(BYTES(out, done), check);
	FAIL_IF(!bytes_equal(BYTES_OF(check), BYTES(out + done, ARMOUR_CHECK_LEN)),
		SOTTO_ERR_FORMAT);
	*len = done;
out:
	return err;
}
