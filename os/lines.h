/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: an AF_UNIX stream listener for this user alone, and connections that carry
 * lines of text with descriptors beside them. Who may connect is decided twice: the socket file has
 * mode 0600, and the peer's uid, which the kernel vouches for, must be our own (root may, too: it
 * can do anything to us anyway).
 *
 * Descriptors of a line are sent with its first byte. A reader gets them with the last line that
 * begins in the same read: the kernel ends a read behind the bytes that came with descriptors, so
 * that is the line they came with, provided that each line is its own sendmsg, as os_lines_send
 * does it.
 */
#ifndef OS_LINES_H
#define OS_LINES_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "os/loop.h"

/* A message of 64 KiB with every byte escaped in JSON as \u00xx would be 384 KiB. */
#define OS_LINE_LEN_MAX		(512 * 1024)

#define OS_LINE_DESCRIPTORS_MAX 4

/* What may wait for a client that does not read. */
#define OS_LINES_QUEUE_LEN_MAX (4 * 1024 * 1024)

/* Clients of one listener: terminal, touch interface, commands. More wait in the kernel's backlog.
 */
#define OS_LISTENER_BACKLOG 16

struct os_listener;
struct os_lines;

struct os_lines_handler {
	/* Without its newline, terminated by 0 (a line that contains 0 ends the connection),
	 * borrowed until it returns. Descriptors as in os_ipc_handler. It may call
	 * os_lines_destroy. */
	void (*received)(void *context, struct os_lines *lines, const char *line, size_t len,
			 int *descriptors, size_t descriptors_count);
	/* End of file, an error, a line too long. Called once, last. */
	void (*gone)(void *context, struct os_lines *lines);
	/* The queue was not empty and now is. May be NULL. */
	void (*drained)(void *context, struct os_lines *lines);
	void *context;
};

/* Replaces a stale socket at path (the caller holds the lock of its directory), mode 0600,
 * listening. LIMIT if path is longer than the kernel allows (107 bytes). */
MUST_USE enum sotto_err os_listener_open(const char *path, int *descriptor);

/* Accepts on a descriptor of os_listener_open, which it owns from success on, and hands each
 * connection of our own user to accepted, which owns it; others are closed without a word. */
MUST_USE enum sotto_err os_listener_create(struct os_loop *loop, int descriptor,
					   void (*accepted)(void *context, int descriptor),
					   void *context, struct os_listener **listener);
void os_listener_destroy(struct os_listener *listener);

/* Connects to a listener. NOT_FOUND: nobody listens there. AGAIN: too many wait already. DENIED: it
 * is not ours, or the process behind it has another uid, so that nobody else's agent is ever asked
 * for anything. */
MUST_USE enum sotto_err os_lines_connect(const char *path, int *descriptor);

/* Owns the descriptor from success on. */
MUST_USE enum sotto_err os_lines_create(struct os_loop *loop, int descriptor,
					const struct os_lines_handler *handler,
					struct os_lines **lines);
void os_lines_destroy(struct os_lines *lines);

/* Sends or queues text and a newline. ARGUMENT (text contains a newline or 0, is too long), LIMIT,
 * CLOSED, NO_MEMORY. Descriptors are duplicated. */
MUST_USE enum sotto_err os_lines_send(struct os_lines *lines, struct bytes text,
				      const int *descriptors, size_t descriptors_count);

size_t os_lines_queued(const struct os_lines *lines);

#endif
