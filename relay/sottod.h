/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sottod's processes. One program, three roles:
 *
 *   parent    binds the sockets, holds the state directory, the status socket and the generation; starts:
 *     store     the relay's key and all records; no socket but the two channels
 *     network   access keys, links, rooms; no file at all
 *
 * When one ends, all end; the service manager starts them again. A relay that lost half of itself must not
 * go on half.
 */
#ifndef RELAY_SOTTOD_H
#define RELAY_SOTTOD_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"
#include "os/ipc.h"
#include "wire/wire.h"

/* Exit codes, as of every command of sotto. */
#define SOTTOD_EXIT_OK	   0
#define SOTTOD_EXIT_FAILED 1
#define SOTTOD_EXIT_USAGE  2

/* First arguments of the internal roles; nothing but the parent gives them the descriptors they need. */
#define SOTTOD_ROLE_STORE   "--internal-store"
#define SOTTOD_ROLE_NETWORK "--internal-network"

/* Descriptors that the parent hands over. */
#define SOTTOD_FD_PARENT 3 /* channel to the parent */
#define SOTTOD_FD_PEER	 4 /* channel to the other child */
#define SOTTOD_FD_UDP	 5 /* network: the first of its sockets */

/* --listen may be given so often: IPv4 and IPv6 of two interfaces. */
#define SOTTOD_SOCKETS_MAX 4

/* How long the children have to finish after SIGTERM before they are killed. */
#define SOTTOD_FINISH_MS     5000

#define SOTTOD_STATE_DEFAULT "/var/lib/sottod"
#define SOTTOD_STATUS_SOCKET "status"
#define SOTTOD_STORE_FOLDER  "store"

struct sottod_options {
	const char *state;
	const char *listen[SOTTOD_SOCKETS_MAX];
	size_t listen_count;
	const char *public_name; /* HOST:PORT; NULL: the first --listen */
	bool memory;
	bool json;
	bool status; /* the command, not the service */
};

/* Exit code of a usage error, or SOTTOD_EXIT_OK with options filled; -1: help was printed. */
int sottod_options_parse(int argc, char **argv, struct sottod_options *options);

int sottod_parent(const struct sottod_options *options);
int sottod_store(int argc, char **argv);
int sottod_network(int argc, char **argv);
int sottod_status(const struct sottod_options *options);

/* "sottod: ..." on standard error. */
void sottod_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One message to another process. LIMIT: its queue is full. */
MUST_USE enum sotto_err sottod_send(struct os_ipc *ipc, const struct wire_type *type,
				    const void *message);

/* A child's last words to the parent. */
void sottod_tell_failed(struct os_ipc *parent, const char *sentence);

#endif
