/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent: what must be done before a sandbox, and nothing that a stranger's byte reaches.
 *
 *   directory, lock -> sockets -> status socket -> children -> sandbox -> "relay: ..." -> signals, status
 */
#include "relay/parent.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/random.h"
#include "os/udp.h"

#define GENERATION_FILE "generation"
#define SEAL_FILE	"seal"
#define SEAL_CREDENTIAL "sottod.seal"

static void stop(struct sottod_parent *parent, int code);

static void child_ended(void *context, struct os_process *process, struct os_process_end end)
{
	struct sottod_child *child = context;
	struct sottod_parent *parent = child->parent;

	os_process_destroy(process);
	child->process = NULL;
	if (end.status != 0) {
		if (!child->told)
			sottod_complain("the %s process ended (status %d, signal %d)", child->name,
					end.status, end.signal);
		parent->exit_code = SOTTOD_EXIT_FAILED;
	}
	/* One that ends by itself, even well, followed the other. */
	if (!parent->stopping)
		stop(parent, SOTTOD_EXIT_FAILED);
	if (parent->children[0].process == NULL && parent->children[1].process == NULL)
		os_loop_stop(parent->loop);
}

/* Closing its channel tells a child to finish. */
static void stop(struct sottod_parent *parent, int code)
{
	if (parent->stopping)
		return;
	parent->stopping = true;
	parent->exit_code = code;
	for (size_t i = 0; i < SOTTOD_CHILDREN; i++) {
		os_ipc_destroy(parent->children[i].channel);
		parent->children[i].channel = NULL;
	}
	os_loop_set_timer(parent->loop, &parent->finish,
			  os_clock_now_ns() + SOTTOD_FINISH_MS * OS_CLOCK_MS_NS);
	if (parent->children[0].process == NULL && parent->children[1].process == NULL)
		os_loop_stop(parent->loop);
}

static void finish_expired(struct os_timer *timer, uint64_t now_ns)
{
	struct sottod_parent *parent = CONTAINER_OF(timer, struct sottod_parent, finish);

	(void)now_ns;
	sottod_complain("a process did not finish in time and is killed");
	parent->exit_code = SOTTOD_EXIT_FAILED;
	os_loop_stop(parent->loop); /* destroying a process kills it */
}

static void signal_arrived(void *context, int signal)
{
	(void)signal;
	stop(context, SOTTOD_EXIT_OK);
}

/* --- What the parent keeps --- */

static enum sotto_err read_generation(struct sottod_parent *parent)
{
	uint8_t *data = NULL;
	size_t len = 0;
	struct reader reader;
	enum sotto_err err = os_file_read(parent->directory, GENERATION_FILE, 8, &allocator_default,
					  &data, &len);

	if (err == SOTTO_ERR_NOT_FOUND)
		return SOTTO_OK;
	if (err != SOTTO_OK)
		return err;
	reader_init(&reader, BYTES(data, len));
	parent->generation = reader_get_u64(&reader);
	err = reader_finish(&reader) == SOTTO_OK ? SOTTO_OK : SOTTO_ERR_CORRUPT;
	allocator_give(&allocator_default, data, len);
	return err;
}

static enum sotto_err keep_generation(struct sottod_parent *parent, uint64_t generation)
{
	struct wire_generation_kept kept = {.generation = generation};
	uint8_t buffer[8];
	struct writer writer;
	enum sotto_err err;

	if (generation <= parent->generation)
		return SOTTO_ERR_INVALID;
	writer_init_fixed(&writer, buffer, sizeof(buffer));
	writer_put_u64(&writer, generation);
	TRY(os_file_replace(parent->directory, GENERATION_FILE, writer_bytes(&writer)));
	parent->generation = generation;
	TRY(sottod_send(parent->children[SOTTOD_NETWORK].channel, &wire_generation_kept_type,
			&kept));
out:
	return err;
}

/* 32 bytes of a file, made at random if there is none and create. */
static enum sotto_err read_key(struct os_directory *directory, const char *name, bool create,
			       uint8_t key[WIRE_KEY_LEN])
{
	uint8_t *data = NULL;
	size_t len = 0;
	enum sotto_err err =
		os_file_read(directory, name, WIRE_KEY_LEN, &allocator_default, &data, &len);

	if (err == SOTTO_ERR_NOT_FOUND && create) {
		err = random_fill(&os_random, key, WIRE_KEY_LEN);
		return err == SOTTO_OK ? os_file_replace(directory, name, BYTES(key, WIRE_KEY_LEN))
				       : err;
	}
	if (err != SOTTO_OK)
		return err;
	if (len == WIRE_KEY_LEN)
		memcpy(key, data, WIRE_KEY_LEN);
	else
		err = SOTTO_ERR_CORRUPT;
	allocator_wipe(&allocator_default, data, len);
	return err;
}

/* From the service manager's credentials if there is one, else from a file beside. */
static enum sotto_err read_seal_key(struct sottod_parent *parent, uint8_t key[WIRE_KEY_LEN])
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	struct os_directory *directory = NULL;
	enum sotto_err err = SOTTO_ERR_NOT_FOUND;

	if (credentials != NULL && os_directory_open(credentials, false, &directory) == SOTTO_OK)
		err = read_key(directory, SEAL_CREDENTIAL, false, key);
	os_directory_close(directory);
	return err == SOTTO_ERR_NOT_FOUND ? read_key(parent->directory, SEAL_FILE, true, key) : err;
}

/* --- Messages of the children --- */

static void child_ready(struct sottod_parent *parent, struct sottod_child *child,
			const struct wire_child_ready *ready)
{
	child->ready = true;
	if (child == &parent->children[SOTTOD_NETWORK]) {
		memcpy(parent->name.key, ready->relay_key, WIRE_KEY_LEN);
		parent->name.has_claim = ready->claim.len == WIRE_KEY_LEN;
		if (parent->name.has_claim)
			memcpy(parent->name.claim, ready->claim.data, WIRE_KEY_LEN);
	}
	if (parent->children[SOTTOD_STORE].ready && parent->children[SOTTOD_NETWORK].ready)
		parent_name_print(parent);
}

static void child_received(void *context, struct os_ipc *ipc, struct bytes message,
			   int *descriptors, size_t descriptors_count)
{
	struct sottod_child *child = context;
	struct sottod_parent *parent = child->parent;
	struct wire_generation_keep keep;
	struct wire_status_answer status;
	struct wire_child_failed failed;
	struct wire_child_ready ready;

	(void)ipc;
	(void)descriptors;
	(void)descriptors_count;
	if (wire_child_ready_decode(message, &ready) == SOTTO_OK) {
		child_ready(parent, child, &ready);
	} else if (wire_status_answer_decode(message, &status) == SOTTO_OK) {
		parent_status_answer(child, &status);
	} else if (wire_child_failed_decode(message, &failed) == SOTTO_OK) {
		sottod_complain("%.*s", (int)failed.sentence.len,
				(const char *)failed.sentence.data);
		child->told = true;
	} else if (child == &parent->children[SOTTOD_NETWORK] &&
		   wire_generation_keep_decode(message, &keep) == SOTTO_OK) {
		if (keep_generation(parent, keep.generation) != SOTTO_OK) {
			sottod_complain("the generation of the access state cannot be kept");
			stop(parent, SOTTOD_EXIT_FAILED);
		}
	}
}

/* The end of the process itself is what counts; it comes as well. */
static void child_channel_gone(void *context, struct os_ipc *ipc)
{
	struct sottod_child *child = context;

	os_ipc_destroy(ipc);
	child->channel = NULL;
}

/* --- Start --- */

static enum sotto_err spawn(struct sottod_parent *parent, enum sottod_child_index which,
			    const char *const *arguments, const int *extra, size_t extra_count)
{
	struct sottod_child *child = &parent->children[which];
	struct os_ipc_handler handler = {child_received, child_channel_gone, NULL, child};
	int descriptors[SOTTOD_FD_PEER + SOTTOD_SOCKETS_MAX + 1] = {-1, -1, STDERR_FILENO};
	struct os_process_spec spec = {
		.path = parent->path,
		.arguments = arguments,
		.descriptors = descriptors,
		.descriptors_count = SOTTOD_FD_PEER + extra_count,
		.dies_with_us = true,
	};
	int ends[2];
	enum sotto_err err;

	TRY(os_ipc_pair(ends));
	descriptors[SOTTOD_FD_PARENT] = ends[1];
	memcpy(&descriptors[SOTTOD_FD_PEER], extra, extra_count * sizeof(extra[0]));
	err = os_process_spawn(parent->loop, &spec, child_ended, child, &child->process);
	(void)close(ends[1]); /* the child's own copy is its own */
	if (err == SOTTO_OK)
		err = os_ipc_create(parent->loop, ends[0], &handler, &child->channel);
	if (err != SOTTO_OK)
		(void)close(ends[0]);
out:
	return err;
}

static enum sotto_err start_children(struct sottod_parent *parent, const int *sockets)
{
	char store_path[OS_PROCESS_PATH_LEN];
	char generation[24];
	char count[8];
	const char *store[] = {SOTTOD_ROLE_STORE, store_path,
			       parent->options->memory ? "memory" : "disk", NULL};
	const char *network[] = {SOTTOD_ROLE_NETWORK, count, generation, NULL};
	int network_fds[1 + SOTTOD_SOCKETS_MAX];
	struct wire_store_start begin;
	int between[2];
	enum sotto_err err;

	(void)snprintf(store_path, sizeof(store_path), "%s/" SOTTOD_STORE_FOLDER,
		       os_directory_path(parent->directory));
	(void)snprintf(count, sizeof(count), "%zu", parent->options->listen_count);
	(void)snprintf(generation, sizeof(generation), "%llu",
		       (unsigned long long)parent->generation);
	TRY(read_seal_key(parent, begin.seal_key));
	TRY(os_ipc_pair(between));
	network_fds[0] = between[1];
	memcpy(&network_fds[1], sockets, parent->options->listen_count * sizeof(sockets[0]));
	err = spawn(parent, SOTTOD_STORE, store, &between[0], 1);
	if (err == SOTTO_OK)
		err = spawn(parent, SOTTOD_NETWORK, network, network_fds,
			    1 + parent->options->listen_count);
	(void)close(between[0]);
	(void)close(between[1]);
	if (err == SOTTO_OK)
		err = sottod_send(parent->children[SOTTOD_STORE].channel, &wire_store_start_type,
				  &begin);
out:
	bytes_wipe(&begin, sizeof(begin));
	return err;
}

static bool open_directory(struct sottod_parent *parent)
{
	const char *path = parent->options->state;
	enum sotto_err err = os_directory_open(path, true, &parent->directory);

	if (err == SOTTO_ERR_DENIED)
		sottod_complain("%s: this user may not write there, or others may", path);
	else if (err != SOTTO_OK)
		sottod_complain("%s: %s", path, sotto_err_text(err));
	if (err != SOTTO_OK)
		return false;
	err = os_directory_lock(parent->directory);
	if (err == SOTTO_ERR_EXISTS)
		sottod_complain("%s: another sottod runs there", path);
	else if (err != SOTTO_OK)
		sottod_complain("%s: %s", path, sotto_err_text(err));
	if (err != SOTTO_OK)
		return false;
	err = read_generation(parent);
	if (err != SOTTO_OK)
		sottod_complain("%s/" GENERATION_FILE ": %s", path, sotto_err_text(err));
	return err == SOTTO_OK;
}

static bool bind_sockets(struct sottod_parent *parent, int *sockets, size_t *count)
{
	for (*count = 0; *count < parent->options->listen_count; (*count)++) {
		const char *text = parent->options->listen[*count];
		struct os_address address;
		enum sotto_err err = os_address_parse(text, &address);

		if (err == SOTTO_OK)
			err = os_udp_bind_descriptor(&address, &sockets[*count]);
		if (err == SOTTO_ERR_EXISTS)
			sottod_complain("%s: the port is in use", text);
		else if (err == SOTTO_ERR_DENIED)
			sottod_complain("%s: this user may not use that port", text);
		else if (err == SOTTO_ERR_NOT_FOUND)
			sottod_complain("%s: not an address of this machine", text);
		else if (err != SOTTO_OK)
			sottod_complain("%s: %s", text, sotto_err_text(err));
		if (err != SOTTO_OK)
			return false;
	}
	return true;
}

static enum sotto_err start(struct sottod_parent *parent, const int *sockets)
{
	static const int signals[] = {SIGTERM, SIGINT};
	struct os_sandbox_options options = {.lock_memory = false};
	enum sotto_err err;

	TRY(os_process_find("sottod", parent->path));
	TRY(os_loop_create(&parent->loop));
	TRY(os_loop_on_signals(parent->loop, signals, ARRAY_LEN(signals), signal_arrived, parent));
	TRY(parent_name_find(parent, sockets[0]));
	TRY(parent_status_open(parent));
	TRY(os_sandbox_enter(OS_PROFILE_RELAY_PARENT, &options, &parent->sandbox));
	TRY(start_children(parent, sockets));
out:
	return err;
}

int sottod_parent(const struct sottod_options *options)
{
	static struct sottod_parent parent; /* paths in it: too large for a stack frame */
	parent = (struct sottod_parent){
		.options = options,
		.exit_code = SOTTOD_EXIT_FAILED,
		.children = {{.name = "store"}, {.name = "network"}},
	};
	int sockets[SOTTOD_SOCKETS_MAX];
	size_t socket_count = 0;
	enum sotto_err err;

	os_timer_init(&parent.finish, finish_expired);
	for (size_t i = 0; i < SOTTOD_CHILDREN; i++)
		parent.children[i].parent = &parent;
	if (open_directory(&parent) && bind_sockets(&parent, sockets, &socket_count)) {
		err = start(&parent, sockets);
		for (size_t i = 0; i < socket_count; i++)
			(void)close(sockets[i]); /* the network process has its own */
		socket_count = 0;
		if (err == SOTTO_OK)
			err = os_loop_run(parent.loop);
		if (err != SOTTO_OK) {
			sottod_complain("cannot start: %s", sotto_err_text(err));
			parent.exit_code = SOTTOD_EXIT_FAILED;
		}
	}
	for (size_t i = 0; i < socket_count; i++)
		(void)close(sockets[i]); /* nothing was sent on it */
	parent_status_close(&parent);
	for (size_t i = 0; i < SOTTOD_CHILDREN; i++) {
		os_process_destroy(parent.children[i].process);
		os_ipc_destroy(parent.children[i].channel);
	}
	os_loop_destroy(parent.loop);
	os_directory_close(parent.directory);
	return parent.exit_code;
}
