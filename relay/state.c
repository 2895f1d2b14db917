/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing and opening the relay's small file. */
#include "relay/state.h"

#include <string.h>

#include "crypto/aead.h"

#define STATE_VERSION 1
#define NONCE_LEN     24
#define LABEL	      BYTES_TEXT("sotto relay state 1")

enum sotto_err relay_state_seal(const uint8_t seal_key[WIRE_KEY_LEN],
				const struct random_source *random,
				const struct wire_relay_state *state, struct writer *writer)
{
	uint8_t sealed[RELAY_STATE_LEN_MAX];
	uint8_t nonce[NONCE_LEN];
	struct writer plain;
	enum sotto_err err;

	writer_init_fixed(&plain, sealed, sizeof(sealed) - AEAD_TAG_LEN);
	TRY(random_fill(random, nonce, sizeof(nonce)));
	TRY(wire_relay_state_encode(state, &plain));
	aead_seal(AEAD_XCHACHA20POLY1305, BYTES(seal_key, WIRE_KEY_LEN), BYTES_OF(nonce), LABEL,
		  writer_bytes(&plain), sealed);
	writer_put_u8(writer, STATE_VERSION);
	writer_put_bytes(writer, BYTES_OF(nonce));
	writer_put_bytes(writer, BYTES(sealed, plain.len + AEAD_TAG_LEN));
	err = writer_finish(writer);
out:
	bytes_wipe(sealed, sizeof(sealed));
	return err;
}

enum sotto_err relay_state_open(const uint8_t seal_key[WIRE_KEY_LEN], struct bytes sealed,
				uint8_t *buffer, struct wire_relay_state *state)
{
	struct bytes nonce;
	struct bytes rest;
	struct reader reader;
	enum sotto_err err;

	reader_init(&reader, sealed);
	if (reader_get_u8(&reader) != STATE_VERSION)
		return reader.err == SOTTO_OK ? SOTTO_ERR_VERSION : SOTTO_ERR_VERIFY;
	nonce = reader_get_bytes(&reader, NONCE_LEN);
	rest = reader_get_rest(&reader);
	if (reader_finish(&reader) != SOTTO_OK || rest.len > RELAY_STATE_LEN_MAX ||
	    rest.len < AEAD_TAG_LEN)
		return SOTTO_ERR_VERIFY;
	err = aead_open(AEAD_XCHACHA20POLY1305, BYTES(seal_key, WIRE_KEY_LEN), nonce, LABEL, rest,
			buffer);
	if (err != SOTTO_OK)
		return err;
	return wire_relay_state_decode(BYTES(buffer, rest.len - AEAD_TAG_LEN), state);
}
