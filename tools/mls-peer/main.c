/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mls-peer: one MLS client over standard input and output, for live interoperability. One request line, one
 * reply line; see mls-peer(1).
 */
#include <stdlib.h>
#include <string.h>

#include "peer.h"
#include "reply.h"

void *peer_take(size_t len)
{
	void *memory = malloc(len != 0 ? len : 1);

	if (memory == NULL) {
		fputs("mls-peer: out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

void *peer_resize(void *memory, size_t len)
{
	void *resized = realloc(memory, len);

	if (resized == NULL) {
		fputs("mls-peer: out of memory\n", stderr);
		exit(1);
	}
	return resized;
}

void peer_give(void *memory, size_t len)
{
	if (memory != NULL)
		sotto_wipe(memory, len);
	free(memory);
}

void *peer_room(void *items, size_t count, size_t *capacity, size_t size)
{
	void *wider;
	size_t old = *capacity;

	if (count < old)
		return items;
	*capacity = old == 0 ? 8 : 2 * old;
	wider = peer_take(*capacity * size);
	if (count != 0)
		memcpy(wider, items, count * size);
	peer_give(items, old * size);
	return wider;
}

struct mls_buffer peer_copy(struct bytes bytes)
{
	struct mls_buffer copy = {
		.data = peer_take(bytes.len),
		.len = bytes.len,
		.capacity = bytes.len,
		.allocator = sotto_allocator_malloc(),
	};

	if (bytes.len != 0)
		memcpy(copy.data, bytes.data, bytes.len);
	return copy;
}

/* False: the end, or nobody reads the replies. */
static bool serve_one(struct peer *peer, struct line *line)
{
	bool more = true;

	switch (line_read(line, stdin)) {
	case LINE_END:
		return false;
	case LINE_TOO_LONG:
		reply_err(peer->reply, "line too long", "");
		break;
	case LINE_READ:
		more = peer_obey(peer, line);
		break;
	}
	return reply_end(peer->reply) && more;
}

int main(int argc, char **argv)
{
	struct reply reply = {.out = stdout};
	struct line line = {0};
	struct peer peer;
	bool failed;

	(void)argv;
	if (argc != 1) {
		fputs("usage: mls-peer, then one request a line on standard input\n", stderr);
		return 2;
	}
	mls_gmp_wipe();
	if (mls_init() != SOTTO_OK) {
		fputs("mls-peer: no random source\n", stderr);
		return 1;
	}
	peer_init(&peer, &reply);
	while (serve_one(&peer, &line))
		;
	peer_reset(&peer);
	line_release(&line);
	failed = ferror(stdin) || ferror(stdout);
	return failed ? 1 : 0;
}
