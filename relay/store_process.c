/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store process: files and channels around relay_store and relay_desk.
 *
 *   sottod --internal-store DIR memory|disk
 *
 *   store_start -> directory, sandbox -> sealed file (made at the first start) -> database -> ready
 *
 * A round: all requests that have arrived, one commit, their answers (relay/desk.h).
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/init.h"
#include "crypto/sign.h"
#include "link/link_key.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "os/sandbox.h"
#include "os/vfs.h"
#include "relay/access.h"
#include "relay/desk.h"
#include "relay/limits.h"
#include "relay/sottod.h"
#include "relay/state.h"

#define STATE_FILE    "relay.state"
#define DATABASE_FILE "relay.db"

struct store_process {
	struct os_loop *loop;
	struct os_ipc *parent;
	struct os_ipc *network;
	struct os_directory *directory;
	const char *path;
	bool memory;
	struct relay_store *store; /* NULL until started */
	struct relay_desk *desk;
	struct os_deferred flush;
	struct os_timer sweep;
	uint8_t seal_key[WIRE_KEY_LEN];
	uint8_t seed[WIRE_KEY_LEN];
	struct os_sandbox sandbox;
	bool vfs_registered;
	int exit_code;
};

static void end(struct store_process *process, int code)
{
	process->exit_code = code;
	os_loop_stop(process->loop);
}

static void fail(struct store_process *process, const char *what, enum sotto_err err)
{
	char sentence[WIRE_SENTENCE_MAX];

	(void)snprintf(sentence, sizeof(sentence), "%s: %s", what, sotto_err_text(err));
	sottod_tell_failed(process->parent, sentence);
	end(process, SOTTOD_EXIT_FAILED);
}

/* --- The sealed file --- */

static enum sotto_err save_state(struct store_process *process, struct bytes access)
{
	struct wire_relay_state state = {.access = access};
	struct writer sealed;
	enum sotto_err err;

	memcpy(state.seed, process->seed, sizeof(state.seed));
	writer_init_growing(&sealed, &allocator_default);
	err = relay_state_seal(process->seal_key, &os_random, &state, &sealed);
	if (err == SOTTO_OK)
		err = os_file_replace(process->directory, STATE_FILE, writer_bytes(&sealed));
	writer_release(&sealed);
	bytes_wipe(&state, sizeof(state));
	return err;
}

/* At the first start: a key and a claim. access: what was saved. */
static enum sotto_err make_state(struct store_process *process, struct writer *access)
{
	struct relay_access fresh;
	enum sotto_err err;

	TRY(random_fill(&os_random, process->seed, sizeof(process->seed)));
	TRY(relay_access_init(&fresh, &os_random));
	err = relay_access_encode(&fresh, access);
	relay_access_wipe(&fresh);
	if (err == SOTTO_OK)
		err = save_state(process, writer_bytes(access));
out:
	return err;
}

static enum sotto_err load_state(struct store_process *process, struct writer *access)
{
	uint8_t buffer[RELAY_STATE_LEN_MAX];
	struct wire_relay_state state;
	uint8_t *sealed = NULL;
	size_t len = 0;
	enum sotto_err err;

	err = os_file_read(process->directory, STATE_FILE, RELAY_STATE_LEN_MAX, &allocator_default,
			   &sealed, &len);
	if (err == SOTTO_ERR_NOT_FOUND)
		return make_state(process, access);
	if (err != SOTTO_OK)
		return err;
	err = relay_state_open(process->seal_key, BYTES(sealed, len), buffer, &state);
	if (err == SOTTO_OK) {
		memcpy(process->seed, state.seed, sizeof(process->seed));
		writer_put_bytes(access, state.access);
		err = writer_finish(access);
		bytes_wipe(&state, sizeof(state));
	}
	bytes_wipe(buffer, sizeof(buffer));
	allocator_wipe(&allocator_default, sealed, len);
	return err;
}

/* --- Requests --- */

static void flush(struct os_deferred *deferred)
{
	struct store_process *process = CONTAINER_OF(deferred, struct store_process, flush);

	if (relay_desk_flush(process->desk) != SOTTO_OK) {
		end(process, SOTTOD_EXIT_FAILED); /* the network process does not read any more */
		return;
	}
	if (relay_desk_pending(process->desk) && os_ipc_queued(process->network) == 0)
		os_loop_defer(process->loop, &process->flush);
}

static enum sotto_err desk_answer(void *context, uint64_t ticket, bool last, struct bytes message)
{
	struct store_process *process = context;
	struct wire_store_answer answer = {
		.ticket = ticket, .last = last ? 1 : 0, .message = message};

	return sottod_send(process->network, &wire_store_answer_type, &answer);
}

static bool desk_room(void *context)
{
	const struct store_process *process = context;

	return os_ipc_queued(process->network) == 0;
}

static enum sotto_err take_ask(struct store_process *process, const struct wire_store_ask *ask)
{
	uint64_t utc_ms = os_clock_utc_ms();
	enum sotto_err err = relay_desk_ask(process->desk, ask, utc_ms);

	if (err != SOTTO_ERR_AGAIN)
		return err;
	err = relay_desk_flush(process->desk);
	return err == SOTTO_OK ? relay_desk_ask(process->desk, ask, utc_ms) : err;
}

static enum sotto_err sign_exporter(struct store_process *process, const struct wire_sign_ask *ask)
{
	struct wire_sign_answer answer = {.ticket = ask->ticket};
	uint8_t message[LINK_PROOF_MESSAGE_LEN];
	enum sotto_err err;

	link_proof_message(ask->network, ask->exporter, message);
	err = relay_store_sign(process->store, BYTES_OF(message), answer.signature);
	return err == SOTTO_OK ? sottod_send(process->network, &wire_sign_answer_type, &answer)
			       : err;
}

static enum sotto_err save_access(struct store_process *process,
				  const struct wire_access_save *save)
{
	struct wire_access_saved saved = {.ticket = save->ticket};

	saved.status = save_state(process, save->state) == SOTTO_OK ? 0 : 1;
	return sottod_send(process->network, &wire_access_saved_type, &saved);
}

static enum sotto_err dispatch(struct store_process *process, struct bytes message)
{
	union {
		struct wire_store_ask ask;
		struct wire_store_more more;
		struct wire_store_cancel cancel;
		struct wire_sign_ask sign;
		struct wire_access_save save;
	} in;

	if (wire_store_ask_decode(message, &in.ask) == SOTTO_OK)
		return take_ask(process, &in.ask);
	if (wire_store_more_decode(message, &in.more) == SOTTO_OK) {
		relay_desk_more(process->desk, in.more.ticket);
		return SOTTO_OK;
	}
	if (wire_store_cancel_decode(message, &in.cancel) == SOTTO_OK) {
		relay_desk_cancel(process->desk, in.cancel.ticket);
		return SOTTO_OK;
	}
	if (wire_sign_ask_decode(message, &in.sign) == SOTTO_OK)
		return sign_exporter(process, &in.sign);
	if (wire_access_save_decode(message, &in.save) == SOTTO_OK)
		return save_access(process, &in.save);
	return SOTTO_ERR_FORMAT;
}

static void network_received(void *context, struct os_ipc *ipc, struct bytes message,
			     int *descriptors, size_t descriptors_count)
{
	struct store_process *process = context;
	enum sotto_err err;

	(void)ipc;
	(void)descriptors;
	(void)descriptors_count;
	if (process->desk == NULL)
		return;
	err = dispatch(process, message);
	if (err != SOTTO_OK)
		fail(process, "a message of the network process", err);
	os_loop_defer(process->loop, &process->flush);
}

static void network_drained(void *context, struct os_ipc *ipc)
{
	struct store_process *process = context;

	(void)ipc;
	if (process->desk != NULL)
		os_loop_defer(process->loop, &process->flush);
}

/* --- Life --- */

static void sweep_expired(struct os_timer *timer, uint64_t now_ns)
{
	struct store_process *process = CONTAINER_OF(timer, struct store_process, sweep);
	bool more = false;
	enum sotto_err err = relay_store_sweep(process->store, os_clock_utc_ms(), &more);

	/* STATE: a round is open; its commit comes first. A full disk may be why sweeping fails. */
	if (err == SOTTO_ERR_CORRUPT)
		fail(process, "the database is damaged", err);
	os_loop_set_timer(process->loop, timer,
			  now_ns + (more || err == SOTTO_ERR_STATE ? 10 : RELAY_SWEEP_INTERVAL_MS) *
					   OS_CLOCK_MS_NS);
}

static enum sotto_err open_store(struct store_process *process)
{
	struct relay_store_config config = {
		.name = process->memory ? NULL : DATABASE_FILE,
		.vfs = process->memory ? NULL : OS_VFS_NAME,
		.disk_max = process->memory ? RELAY_MEMORY_MAX : RELAY_DISK_MAX,
		.drops_max = RELAY_DROPS_MAX,
		.retention_ms = RELAY_RETENTION_MS,
		.random = &os_random,
		.relay_seed = process->seed,
	};
	struct relay_desk_config desk = {
		.allocator = &allocator_default,
		.answer = desk_answer,
		.room = desk_room,
		.context = process,
	};
	enum sotto_err err;

	TRY(relay_store_create(&config, &process->store));
	desk.store = process->store;
	TRY(relay_desk_create(&desk, &process->desk));
out:
	return err;
}

static enum sotto_err announce(struct store_process *process, struct bytes access)
{
	struct wire_access_loaded loaded = {.state = access};
	struct wire_child_ready ready = {0};
	enum sotto_err err;

	relay_store_key(process->store, loaded.relay_key);
	memcpy(ready.relay_key, loaded.relay_key, sizeof(ready.relay_key));
	TRY(sottod_send(process->network, &wire_access_loaded_type, &loaded));
	TRY(sottod_send(process->parent, &wire_child_ready_type, &ready));
out:
	return err;
}

static void start(struct store_process *process)
{
	struct os_sandbox_options options = {.lock_memory = true};
	const char *what = "the state directory";
	struct writer access;
	enum sotto_err err;

	writer_init_growing(&access, &allocator_default);
	TRY(os_directory_open(process->path, true, &process->directory));
	options.directory = os_directory_path(process->directory);
	TRY(os_vfs_register(process->directory));
	process->vfs_registered = true;
	what = "the sandbox of the store process";
	TRY(os_sandbox_enter(OS_PROFILE_RELAY_STORE, &options, &process->sandbox));
	what = "the relay's sealed file";
	TRY(load_state(process, &access));
	what = "the database";
	TRY(open_store(process));
	what = "the other processes";
	TRY(announce(process, writer_bytes(&access)));
	os_loop_set_timer(process->loop, &process->sweep, os_clock_now_ns());
out:
	writer_release(&access);
	if (err != SOTTO_OK)
		fail(process, what, err);
}

static void answer_status(struct store_process *process, uint64_t ticket)
{
	struct wire_counter parts[RELAY_COUNTER_COUNT];
	struct wire_status_answer answer = {.ticket = ticket, .counters = {.items = parts}};
	struct relay_counters counters = {0};
	char sandbox[OS_SANDBOX_TEXT_LEN];

	os_sandbox_describe(&process->sandbox, sandbox);
	answer.sandbox = BYTES(sandbox, strlen(sandbox));
	relay_desk_count(process->desk, &counters);
	counters.values[RELAY_COUNTER_bytes_max] =
		process->memory ? RELAY_MEMORY_MAX : RELAY_DISK_MAX;
	counters.values[RELAY_COUNTER_retention_hours] = RELAY_RETENTION_MS / RELAY_HOUR_MS;
	counters.values[RELAY_COUNTER_memory_only] = process->memory;
	counters.values[RELAY_COUNTER_memory_locked] = process->sandbox.memory_locked;
	for (size_t i = 0; i < RELAY_COUNTER_COUNT; i++) {
		if (counters.values[i] != 0)
			parts[answer.counters.count++] =
				(struct wire_counter){(uint8_t)i, counters.values[i]};
	}
	if (sottod_send(process->parent, &wire_status_answer_type, &answer) != SOTTO_OK)
		end(process, SOTTOD_EXIT_FAILED);
}

static void parent_received(void *context, struct os_ipc *ipc, struct bytes message,
			    int *descriptors, size_t descriptors_count)
{
	struct store_process *process = context;
	struct wire_store_start begin;
	struct wire_status_ask ask;

	(void)ipc;
	(void)descriptors;
	(void)descriptors_count;
	if (process->store == NULL && wire_store_start_decode(message, &begin) == SOTTO_OK) {
		memcpy(process->seal_key, begin.seal_key, sizeof(process->seal_key));
		bytes_wipe(&begin, sizeof(begin));
		start(process);
	} else if (process->desk != NULL && wire_status_ask_decode(message, &ask) == SOTTO_OK) {
		answer_status(process, ask.ticket);
	}
}

/* Either channel: this process is of no use alone. Who ended first is seen by the parent. */
static void channel_gone(void *context, struct os_ipc *ipc)
{
	struct store_process *process = context;

	(void)ipc;
	os_loop_stop(process->loop);
}

static void close_all(struct store_process *process)
{
	/* The last round: its answers may find nobody, its records are kept. */
	if (process->desk != NULL && relay_desk_flush(process->desk) != SOTTO_OK)
		process->exit_code = SOTTOD_EXIT_FAILED;
	relay_desk_destroy(process->desk);
	relay_store_destroy(process->store);
	if (process->vfs_registered)
		os_vfs_unregister();
	os_directory_close(process->directory);
	os_ipc_destroy(process->network);
	os_ipc_destroy(process->parent);
	os_loop_destroy(process->loop);
	bytes_wipe(process, sizeof(*process) - sizeof(process->exit_code));
}

int sottod_store(int argc, char **argv)
{
	static struct store_process process; /* in one place, to be locked: it has the keys */
	struct os_ipc_handler parent = {parent_received, channel_gone, NULL, &process};
	struct os_ipc_handler network = {network_received, channel_gone, network_drained, &process};
	enum sotto_err err;
	int code;

	if (argc != 4)
		return SOTTOD_EXIT_USAGE;
	process.path = argv[2];
	process.memory = strcmp(argv[3], "memory") == 0;
	os_deferred_init(&process.flush, flush);
	os_timer_init(&process.sweep, sweep_expired);
	TRY(crypto_init());
	if (os_memory_lock(process.seed, sizeof(process.seed)) != SOTTO_OK ||
	    os_memory_lock(process.seal_key, sizeof(process.seal_key)) != SOTTO_OK)
		sottod_complain("the relay's key may be swapped out: no memory may be locked");
	TRY(os_loop_create(&process.loop));
	TRY(os_ipc_create(process.loop, SOTTOD_FD_PARENT, &parent, &process.parent));
	TRY(os_ipc_create(process.loop, SOTTOD_FD_PEER, &network, &process.network));
	TRY(os_loop_run(process.loop));
out:
	if (err != SOTTO_OK) {
		sottod_complain("store process: %s", sotto_err_text(err));
		process.exit_code = SOTTOD_EXIT_FAILED;
	}
	code = process.exit_code;
	close_all(&process);
	return code;
}
