/* SPDX-License-Identifier: Apache-2.0 */
/* The text form of an invitation. */
#include "ledger/invitation.h"

#include <string.h>

#include "crypto/hash.h"

#define CHECK_LEN 4

static const char prefix[] = "sotto:";
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static bool invitation_valid(const struct ledger_invitation *invitation)
{
	return ledger_name_valid(invitation->name) &&
	       ledger_address_valid(invitation->relay_address);
}

static void check_of(struct bytes content, uint8_t *check)
{
	uint8_t digest[LEDGER_HASH_LEN];

	hash_digest(HASH_SHA256, content, digest);
	memcpy(check, digest, CHECK_LEN);
}

/* Five bits a character, the last one filled with zeros. */
static void base32_put(struct bytes bytes, struct writer *text)
{
	uint32_t held = 0;
	uint32_t bits = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		held = (held << 8 | bytes.data[i]) & 0xfff;
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

enum sotto_err ledger_invitation_encode(const struct ledger_invitation *invitation,
					struct writer *text)
{
	uint8_t buffer[LEDGER_INVITATION_LEN_MAX];
	uint8_t check[CHECK_LEN];
	struct writer writer;
	enum sotto_err err = SOTTO_OK;

	writer_init_fixed(&writer, buffer, sizeof(buffer));
	FAIL_IF(invitation->version != LEDGER_INVITATION_VERSION, SOTTO_ERR_VERSION);
	FAIL_IF(!invitation_valid(invitation), SOTTO_ERR_INVALID);
	TRY(wire_encode(&ledger_invitation_type, invitation, &writer));
	check_of(writer_bytes(&writer), check);
	writer_put_bytes(&writer, BYTES_OF(check));
	TRY(writer_finish(&writer));
	writer_put_bytes(text, BYTES_TEXT(prefix));
	base32_put(writer_bytes(&writer), text);
	TRY(writer_finish(text));
out:
	bytes_wipe(buffer, sizeof(buffer));
	return err;
}

/* What follows "sotto:", in whatever case, after white space. */
static bool prefix_skip(struct bytes *text)
{
	while (text->len > 0 && is_space(text->data[0]))
		*text = BYTES(text->data + 1, text->len - 1);
	if (text->len < sizeof(prefix) - 1)
		return false;
	for (size_t i = 0; i < sizeof(prefix) - 1; i++) {
		uint8_t character = text->data[i];

		if (character >= 'A' && character <= 'Z')
			character = (uint8_t)(character - 'A' + 'a');
		if (character != (uint8_t)prefix[i])
			return false;
	}
	*text = BYTES(text->data + sizeof(prefix) - 1, text->len - (sizeof(prefix) - 1));
	return true;
}

enum sotto_err ledger_invitation_decode(struct bytes text, uint8_t *buffer,
					struct ledger_invitation *invitation)
{
	struct ledger_invitation decoded = {0};
	uint8_t check[CHECK_LEN];
	size_t len = 0;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(!prefix_skip(&text), SOTTO_ERR_FORMAT);
	TRY(base32_get(text, buffer, LEDGER_INVITATION_LEN_MAX, &len));
	FAIL_IF(len <= CHECK_LEN, SOTTO_ERR_FORMAT);
	check_of(BYTES(buffer, len - CHECK_LEN), check);
	FAIL_IF(!bytes_equal(BYTES_OF(check), BYTES(buffer + len - CHECK_LEN, CHECK_LEN)),
		SOTTO_ERR_FORMAT);
	FAIL_IF(buffer[0] != LEDGER_INVITATION_VERSION, SOTTO_ERR_VERSION);
	TRY(wire_decode(&ledger_invitation_type, BYTES(buffer, len - CHECK_LEN), &decoded));
	FAIL_IF(!invitation_valid(&decoded), SOTTO_ERR_INVALID);
	*invitation = decoded;
out:
	bytes_wipe(&decoded, sizeof(decoded));
	return err;
}
