/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of text over a stream.
 *
 *   recvmsg ──> buffer, grown by need up to one longest line ──> a callback for each newline
 *                └─ descriptors that came along are held for the last line that begins in this
 *                   read: lines that begin before it are delivered first, so "held" always
 *                   means "for the next line delivered"
 */
#include "os/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/error.h"
#include "os/outbox.h"
#include "os/rights.h"

#define LINES_BUFFER_LEN_FIRST 4096
#define LINES_BUFFER_LEN_MAX   (OS_LINE_LEN_MAX + 1) /* the newline */

/* Reads in one round before other descriptors have their turn. */
#define LINES_ROUND_MAX 16

/* Answers that wait: small ones are many, large ones few. */
#define LINES_QUEUE_COUNT_MAX 16384

_Static_assert(OS_LINE_DESCRIPTORS_MAX == RIGHTS_MAX, "one limit");

struct os_lines {
	struct os_loop *loop;
	struct os_watch watch;
	struct os_lines_handler handler;
	struct outbox outbox;
	bool busy;    /* in a callback: destroy leaves the memory to its caller */
	bool closed;  /* destroyed in a callback */
	bool waiting; /* watched for OS_WRITE */
	int held[RIGHTS_MAX];
	size_t held_count;
	char *buffer;
	size_t capacity;
	size_t len;   /* in buffer */
	size_t begin; /* of the first line not delivered */
};

static void lines_free(struct os_lines *lines)
{
	os_loop_unwatch(lines->loop, &lines->watch);
	close(lines->watch.descriptor);
	rights_close(lines->held, lines->held_count);
	outbox_finish(&lines->outbox);
	bytes_wipe(lines->buffer, lines->capacity);
	free(lines->buffer);
	free(lines);
}

void os_lines_destroy(struct os_lines *lines)
{
	if (lines == NULL)
		return;
	lines->closed = true;
	if (!lines->busy)
		lines_free(lines);
}

/* Callers touch nothing afterwards. */
static void lines_gone(struct os_lines *lines)
{
	os_loop_unwatch(lines->loop, &lines->watch);
	lines->handler.gone(lines->handler.context, lines);
}

/* Delivers complete lines that begin before end. OK, FORMAT (a line contains 0), or CLOSED:
 * destroyed, memory gone. */
static enum sotto_err lines_deliver(struct os_lines *lines, size_t end)
{
	while (lines->begin < end) {
		char *line = lines->buffer + lines->begin;
		char *newline = memchr(line, '\n', lines->len - lines->begin);
		int descriptors[RIGHTS_MAX];
		size_t count = lines->held_count;
		size_t len;

		if (newline == NULL)
			break;
		len = (size_t)(newline - line);
		if (memchr(line, '\0', len) != NULL)
			return SOTTO_ERR_FORMAT;
		*newline = '\0';
		lines->begin += len + 1;
		memcpy(descriptors, lines->held, sizeof(descriptors));
		lines->held_count = 0;
		lines->busy = true;
		lines->handler.received(lines->handler.context, lines, line, len, descriptors,
					count);
		rights_close(descriptors, count);
		/* It may have been a text, and this connection may stay for long. */
		bytes_wipe(line, len);
		lines->busy = false;
		if (lines->closed) {
			lines_free(lines);
			return SOTTO_ERR_CLOSED;
		}
	}
	return SOTTO_OK;
}

/* Where the last line that begins in [from, len) begins; len if none does. */
static size_t lines_last_begin(const struct os_lines *lines, size_t from)
{
	for (size_t at = lines->len; at-- > from;) {
		if (at == lines->begin || lines->buffer[at - 1] == '\n')
			return at;
	}
	return lines->len;
}

/* Moves what is not delivered to the front and makes room behind it. LIMIT: the longest line is
 * full. */
static enum sotto_err lines_make_room(struct os_lines *lines)
{
	size_t left = lines->len - lines->begin;
	size_t capacity;
	char *larger;

	if (lines->begin > 0) {
		memmove(lines->buffer, lines->buffer + lines->begin, left);
		bytes_wipe(lines->buffer + left, lines->begin);
		lines->begin = 0;
		lines->len = left;
	}
	if (lines->len < lines->capacity)
		return SOTTO_OK;
	if (lines->capacity == LINES_BUFFER_LEN_MAX)
		return SOTTO_ERR_LIMIT;
	capacity = lines->capacity == 0 ? LINES_BUFFER_LEN_FIRST : 2 * lines->capacity;
	if (capacity > LINES_BUFFER_LEN_MAX)
		capacity = LINES_BUFFER_LEN_MAX;
	larger = malloc(capacity);
	if (larger == NULL)
		return SOTTO_ERR_NO_MEMORY;
	if (lines->len > 0)
		memcpy(larger, lines->buffer, lines->len);
	bytes_wipe(lines->buffer, lines->capacity);
	free(lines->buffer);
	lines->buffer = larger;
	lines->capacity = capacity;
	return SOTTO_OK;
}

/* One read and what it completes. As lines_deliver; AGAIN when there is nothing. */
static enum sotto_err lines_read(struct os_lines *lines)
{
	int descriptors[RIGHTS_MAX];
	size_t count = 0;
	size_t len;
	enum sotto_err err;

	if (lines_make_room(lines) != SOTTO_OK)
		return SOTTO_ERR_LIMIT;
	err = rights_receive(lines->watch.descriptor, lines->buffer + lines->len,
			     lines->capacity - lines->len, &len, descriptors, &count);
	if (err != SOTTO_OK)
		return err == SOTTO_ERR_AGAIN ? err : SOTTO_ERR_IO;
	lines->len += len;
	if (count > 0) {
		size_t begin = lines_last_begin(lines, lines->len - len);

		err = begin == lines->len ? SOTTO_ERR_FORMAT : lines_deliver(lines, begin);
		if (err != SOTTO_OK) {
			rights_close(descriptors, count);
			return err;
		}
		ASSERT(lines->begin == begin && lines->held_count == 0);
		memcpy(lines->held, descriptors, sizeof(descriptors));
		lines->held_count = count;
	}
	return lines_deliver(lines, lines->len);
}

/* False if the connection is gone. */
static bool lines_receive(struct os_lines *lines)
{
	for (unsigned i = 0; i < LINES_ROUND_MAX; i++) {
		enum sotto_err err = lines_read(lines);

		if (err == SOTTO_ERR_AGAIN)
			return true;
		if (err == SOTTO_ERR_CLOSED)
			return false;
		if (err != SOTTO_OK) {
			lines_gone(lines);
			return false;
		}
	}
	return true;
}

static enum sotto_err lines_flush(struct os_lines *lines)
{
	enum sotto_err err = outbox_flush(&lines->outbox, lines->watch.descriptor);
	bool wait = err == SOTTO_ERR_AGAIN || err == SOTTO_ERR_LIMIT || err == SOTTO_ERR_NO_MEMORY;

	if (wait != lines->waiting && lines->watch.added) {
		lines->waiting = wait;
		ASSERT(os_loop_watch(lines->loop, &lines->watch,
				     wait ? OS_READ | OS_WRITE : OS_READ) == SOTTO_OK);
	}
	/* Whatever it was, reading now finds the end, after what the peer said last. */
	if (err != SOTTO_OK && !wait)
		(void)shutdown(lines->watch.descriptor, SHUT_RDWR);
	return wait ? SOTTO_ERR_AGAIN : err;
}

static void lines_ready(struct os_watch *watch, unsigned seen)
{
	struct os_lines *lines = CONTAINER_OF(watch, struct os_lines, watch);

	if ((seen & (OS_READ | OS_GONE)) != 0 && !lines_receive(lines))
		return;
	if ((seen & OS_WRITE) == 0 || !lines->waiting)
		return;
	if (lines_flush(lines) == SOTTO_OK && lines->handler.drained != NULL)
		lines->handler.drained(lines->handler.context, lines);
}

enum sotto_err os_lines_create(struct os_loop *loop, int descriptor,
			       const struct os_lines_handler *handler, struct os_lines **out)
{
	struct os_lines *lines = calloc(1, sizeof(*lines));
	enum sotto_err err;

	FAIL_IF(lines == NULL, SOTTO_ERR_NO_MEMORY);
	lines->loop = loop;
	lines->handler = *handler;
	outbox_init(&lines->outbox, OS_LINES_QUEUE_LEN_MAX, LINES_QUEUE_COUNT_MAX);
	os_watch_init(&lines->watch, descriptor, lines_ready);
	TRY(os_loop_watch(loop, &lines->watch, OS_READ));
	*out = lines;
	return SOTTO_OK;
out:
	free(lines);
	return err;
}

enum sotto_err os_lines_send(struct os_lines *lines, struct bytes text, const int *descriptors,
			     size_t descriptors_count)
{
	enum sotto_err err;

	if (text.len > OS_LINE_LEN_MAX || descriptors_count > OS_LINE_DESCRIPTORS_MAX)
		return SOTTO_ERR_ARGUMENT;
	if (text.len > 0 && (memchr(text.data, '\n', text.len) != NULL ||
			     memchr(text.data, '\0', text.len) != NULL))
		return SOTTO_ERR_ARGUMENT;
	if (lines->closed || !lines->watch.added)
		return SOTTO_ERR_CLOSED;
	TRY(outbox_put(&lines->outbox, text, BYTES_TEXT("\n"), descriptors, descriptors_count));
	if (lines->waiting)
		return SOTTO_OK; /* its turn comes */
	err = lines_flush(lines);
	if (err == SOTTO_ERR_AGAIN)
		err = SOTTO_OK;
	else if (err != SOTTO_OK)
		err = SOTTO_ERR_CLOSED;
out:
	return err;
}

size_t os_lines_queued(const struct os_lines *lines)
{
	return lines->outbox.len;
}
