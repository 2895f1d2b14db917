/* SPDX-License-Identifier: Apache-2.0 */
/* Reply lines: see the header. */
#include "reply.h"

#include <inttypes.h>

#include "base/hex.h"

#define CHUNK 2048

static void begin_word(struct reply *reply)
{
	fputs(reply->begun ? " " : "ok ", reply->out);
	reply->begun = true;
}

static void put_hex(struct reply *reply, struct bytes bytes)
{
	char text[2 * CHUNK + 1];

	if (bytes.len == 0)
		fputs("-", reply->out);
	for (size_t done = 0; done < bytes.len; done += CHUNK) {
		size_t part = bytes.len - done < CHUNK ? bytes.len - done : CHUNK;

		hex_encode(BYTES(bytes.data + done, part), text);
		fwrite(text, 1, 2 * part, reply->out);
	}
}

void reply_bytes(struct reply *reply, struct bytes bytes)
{
	begin_word(reply);
	put_hex(reply, bytes);
}

void reply_number(struct reply *reply, uint64_t number)
{
	begin_word(reply);
	fprintf(reply->out, "%" PRIu64, number);
}

void reply_text(struct reply *reply, const char *text)
{
	begin_word(reply);
	fputs(text, reply->out);
}

void reply_pair(struct reply *reply, uint64_t number, struct bytes bytes)
{
	reply_number(reply, number);
	fputs(":", reply->out);
	put_hex(reply, bytes);
}

bool reply_end(struct reply *reply)
{
	fputs(reply->begun ? "\n" : "ok\n", reply->out);
	reply->begun = false;
	return fflush(reply->out) == 0;
}

void reply_err(struct reply *reply, const char *text, const char *more)
{
	fprintf(reply->out, "err %s%s", text, more);
	reply->begun = true;
}
