/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets into a relay. The input is a sequence of (how u8, length u16, bytes): as they are, in an envelope
 * of an access key, or behind a valid first header and token as well. None of them can be a hello (that
 * takes the Initial keys), so the relay must not answer a single one.
 */
#include <string.h>

#include "base/assert.h"
#include "base/reader.h"
#include "base/writer.h"
#include "link/envelope.h"
#include "link/link_server.h"
#include "link/token.h"

#define UTC_MS UINT64_C(1800000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum sotto_err count(void *context, uint8_t *out, size_t len)
{
	uint64_t *next = context;

	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)((*next)++ * 37);
	return SOTTO_OK;
}

static void must_not_open(void *context, uint64_t link)
{
	(void)context;
	ASSERT(link == 0); /* no link has this number: there must not be any */
}

static size_t wrap(uint8_t *payload, uint8_t how, struct bytes bytes, const struct link_key *key,
		   const struct random_source *random)
{
	static const uint8_t ids[16] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct envelope_padding padding = {.counter = how};
	struct link_secrets secrets;
	struct writer writer;
	uint8_t token[TOKEN_LEN];

	link_secrets_derive(key, &secrets);
	writer_init_fixed(&writer, payload, LINK_FULL_LEN - ENVELOPE_OVERHEAD);
	if (how % 3 == 2) {
		(void)!token_create(&secrets, random, ids, UTC_MS, token);
		writer_put_u8(&writer, 0xc0 | (how >> 4));
		writer_put_u32(&writer, 1);
		writer_put_vector(&writer, BYTES(ids, 8));
		writer_put_vector(&writer, BYTES(ids + 8, 8));
		writer_put_vector(&writer, BYTES_OF(token));
	}
	writer_put_bytes(&writer, bytes);
	while (how % 3 == 2 && writer.err == SOTTO_OK && writer.len < 1200)
		writer_put_u8(&writer, (uint8_t)writer.len);
	if (writer.err != SOTTO_OK || writer.len == 0)
		return 0;
	if (how % 3 == 0)
		return writer.len;
	envelope_seal(&secrets, &padding, payload, writer.len, LINK_FULL_LEN);
	return LINK_FULL_LEN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct link_key key = {.kind = LINK_KEY_ACCESS, .number = 1};
	uint64_t drawn = 0;
	const struct random_source random = {.fill = count, .context = &drawn};
	struct link_server_config config = {
		.limits = link_server_limits_default,
		.random = &random,
		.events = {.on_open = must_not_open},
	};
	struct link_server *server;
	struct link_path path = {.remote = {.port = 1}};
	struct link_packet out;
	struct reader reader;
	uint64_t now_ns = 1;

	config.limits.links = 8;
	config.limits.replay_entries = 8;
	if (link_server_create(&config, &server) != SOTTO_OK)
		return 0;
	ASSERT(link_server_set_keys(server, &key, 1, NULL, 0) == SOTTO_OK);
	reader_init(&reader, BYTES(data, size));
	for (int packets = 0; packets < 16 && reader_more(&reader); packets++) {
		uint8_t payload[LINK_FULL_LEN] = {0};
		uint8_t how = reader_get_u8(&reader);
		size_t len = reader_get_u16(&reader) % (LINK_FULL_LEN + 1);
		struct bytes bytes = len < reader_left(&reader) ? reader_get_bytes(&reader, len)
								: reader_get_rest(&reader);

		path.remote.port = (uint16_t)(how & 0xf);
		link_server_receive(server, &path,
				    BYTES(payload, wrap(payload, how, bytes, &key, &random)),
				    now_ns, UTC_MS);
		link_server_send(server, now_ns, &out);
		ASSERT(out.len == 0);
		now_ns += UINT64_C(1000000);
		if (link_server_deadline(server) <= now_ns)
			link_server_handle_deadline(server, now_ns);
	}
	link_server_destroy(server);
	return 0;
}
