/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the parent: the processes (parent.c), the relay's name
 * (parent_name.c), and the status socket (parent_status.c). */
#ifndef RELAY_PARENT_H
#define RELAY_PARENT_H

#include "os/address.h"
#include "os/file.h"
#include "os/lines.h"
#include "os/process.h"
#include "os/sandbox.h"
#include "relay/sottod.h"
#include "relay/status.h"
#include "wire/relay_name.h"

/* Who may ask for the status at the same time; more are closed at once. */
#define SOTTOD_STATUS_CLIENTS_MAX 8

enum sottod_child_index { SOTTOD_STORE, SOTTOD_NETWORK, SOTTOD_CHILDREN };

struct sottod_parent;

struct sottod_child {
	struct sottod_parent *parent;
	const char *name;
	struct os_process *process; /* NULL: ended */
	struct os_ipc *channel;
	bool ready;
	bool told;			/* it said itself why it ends */
	char sandbox[WIRE_SANDBOX_MAX]; /* as it said last */
};

struct sottod_parent {
	const struct sottod_options *options;
	struct os_directory *directory;
	struct os_loop *loop;
	struct sottod_child children[SOTTOD_CHILDREN];
	char path[OS_PROCESS_PATH_LEN];
	char listen_text[OS_ADDRESS_TEXT_LEN];
	struct wire_relay_name name;
	uint64_t generation;
	struct os_timer finish;
	struct os_sandbox sandbox;
	struct os_listener *status_listener;
	struct os_lines *status_clients[SOTTOD_STATUS_CLIENTS_MAX]; /* NULL: free */
	bool status_asked[SOTTOD_STATUS_CLIENTS_MAX];
	struct relay_counters counters; /* of the question under way */
	unsigned int status_waits;	/* children that have not answered it */
	bool stopping;
	int exit_code;
};

MUST_USE enum sotto_err parent_status_open(struct sottod_parent *parent);
void parent_status_close(struct sottod_parent *parent);
void parent_status_answer(struct sottod_child *child, const struct wire_status_answer *answer);

/* Finds what to tell phones about the first socket (parent_name.c), before the sandbox. */
MUST_USE enum sotto_err parent_name_find(struct sottod_parent *parent, int socket);

/* Prints the one line, and forgets the claim. */
void parent_name_print(struct sottod_parent *parent);

#endif
