/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal text. */
#include "base/hex.h"

void hex_encode(struct bytes bytes, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.len; i++) {
		out[2 * i] = digits[bytes.data[i] >> 4];
		out[2 * i + 1] = digits[bytes.data[i] & 15];
	}
	out[2 * bytes.len] = '\0';
}

static int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

enum sotto_err hex_decode(const char *text, size_t text_len, uint8_t *out, size_t capacity,
			  size_t *len)
{
	if (text_len % 2 != 0)
		return SOTTO_ERR_FORMAT;
	if (text_len / 2 > capacity)
		return SOTTO_ERR_SPACE;
	for (size_t i = 0; i < text_len / 2; i++) {
		int high = digit_value(text[2 * i]);
		int low = digit_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return SOTTO_ERR_FORMAT;
		out[i] = (uint8_t)(high << 4 | low);
	}
	*len = text_len / 2;
	return SOTTO_OK;
}
