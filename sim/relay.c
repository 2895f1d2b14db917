/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two processes in one: what relay/network_process.c and relay/store_process.c do around their engines.
 *
 * A round is what arrived within 2 ms; one commit, then its answers.
 */
#include "sim/relay.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/list.h"
#include "crypto/sign.h"
#include "relay/desk.h"
#include "relay/front.h"
#include "relay/limits.h"
#include "relay/store_sql.h"
#include "sim/vfs.h"
#include "wire/drop.h"

#define VFS_NAME "sim-relay"
#define COPY_VFS "sim-relay-copy"
#define PAST_MAX 64	    /* batches that a replaying relay remembers */
#define NOBODY	 UINT64_MAX /* the ticket of what no link has asked for */
#define LATE_NS	 (5 * 60 * SIM_SECOND)
#define ROUND_NS (2 * SIM_MILLISECOND)
#define SWEEP_NS (RELAY_SWEEP_INTERVAL_MS * SIM_MILLISECOND)

enum { RANDOM_DISK = 1, RANDOM_ENGINE, RANDOM_SEED, RANDOM_LIE };

struct message {
	struct list list;
	bool to_store;
	uint32_t from; /* whose request led to it */
	size_t len;
	uint8_t data[];
};

/* A request that is heeded later. */
struct held {
	struct list list;
	uint64_t due_ns;
	uint8_t authority;
	size_t len;
	uint8_t data[];
};

/* A batch as it was answered once. */
struct past {
	uint8_t drop[WIRE_HASH_LEN];
	uint8_t *data;
	size_t len;
};

struct sim_relay {
	struct sim_clock *clock;
	struct sim_switch *hub;
	struct sim_random engine_random, lie_random;
	struct random_source source;
	uint64_t retention_ms;
	uint8_t seed[RELAY_SEED_LEN], key[WIRE_KEY_LEN], claim[WIRE_KEY_LEN];
	struct relay_access saved; /* as its small sealed file has it */
	struct sim_disk *disk;
	struct sim_vfs *vfs;
	struct relay_store *store;
	struct relay_desk *desk;
	struct relay_front *front;
	struct list messages;
	struct sim_event round, deadline, sweep;
	uint64_t generation; /* kept beside the store process; 0: nothing to keep now */
	enum sim_lie lie;
	uint32_t lie_ppm;
	uint64_t victims;
	/* What victims are shown. */
	struct sim_disk *copy_disk;
	struct sim_vfs *copy_vfs;
	struct relay_store *copy_store;
	struct relay_desk *copy_desk;
	struct sim_disk *past_disk; /* as it was when a lie began; NULL: none is kept */
	struct past past[PAST_MAX];
	size_t past_next;
	struct list held; /* the earliest first */
	struct sim_event late;
	struct sim_relay_counts counts;
};

static uint64_t now(const struct sim_relay *relay)
{
	return sim_clock_now(relay->clock);
}

static uint64_t utc(const struct sim_relay *relay)
{
	return sim_clock_utc_ms(relay->clock);
}

static void at(struct sim_relay *relay, struct sim_event *event, uint64_t when_ns)
{
	enum sotto_err err = sim_clock_set(relay->clock, event, when_ns);

	ASSERT(err == SOTTO_OK);
}

/* ---- Between the processes ---- */

static enum sotto_err push(struct sim_relay *relay, bool to_store, struct bytes bytes)
{
	struct message *message =
		allocator_take_zeroed(&allocator_default, 1, sizeof(*message) + bytes.len);

	ASSERT(message != NULL);
	message->to_store = to_store;
	message->from = sim_switch_current(relay->hub);
	message->len = bytes.len;
	memcpy(message->data, bytes.data, bytes.len);
	list_append(&relay->messages, &message->list);
	if (relay->round.place == 0)
		at(relay, &relay->round, now(relay) + ROUND_NS);
	return SOTTO_OK;
}

static enum sotto_err push_typed(struct sim_relay *relay, const struct wire_type *type,
				 const void *value)
{
	struct writer writer;
	enum sotto_err err;

	writer_init_growing(&writer, &allocator_default);
	err = wire_encode(type, value, &writer);
	ASSERT(err == SOTTO_OK);
	err = push(relay, false, writer_bytes(&writer));
	writer_release(&writer);
	return err;
}

static enum sotto_err to_store(void *context, struct bytes message)
{
	return push(context, true, message);
}

static void packet(void *context, const struct link_packet *out)
{
	(void)context;
	(void)out;
	/* Voice goes packet by packet. */
}

static enum sotto_err keep_generation(void *context, uint64_t generation)
{
	struct sim_relay *relay = context;

	relay->generation = generation;
	return SOTTO_OK;
}

static void message_free(struct message *message)
{
	list_remove(&message->list);
	allocator_give(&allocator_default, message, sizeof(*message) + message->len);
}

/* ---- The store process ---- */

static enum sotto_err answer_as(struct sim_relay *relay, uint64_t ticket, bool last,
				struct bytes message)
{
	struct wire_store_answer made = {
		.ticket = ticket, .last = last ? 1 : 0, .message = message};

	return push_typed(relay, &wire_store_answer_type, &made);
}

static enum sotto_err answer_corrupt(struct sim_relay *relay, uint64_t ticket, bool last,
				     struct bytes message)
{
	uint8_t *changed = allocator_take(&allocator_default, message.len);
	enum sotto_err err;

	ASSERT(changed != NULL);
	memcpy(changed, message.data, message.len);
	changed[sim_random_below(&relay->lie_random, message.len)] ^=
		(uint8_t)(1 << sim_random_below(&relay->lie_random, 8));
	err = answer_as(relay, ticket, last, BYTES(changed, message.len));
	allocator_give(&allocator_default, changed, message.len);
	return err;
}

/* An older batch of the same drop, if there is one. */
static enum sotto_err answer_past(struct sim_relay *relay, uint64_t ticket, bool last,
				  struct bytes message, bool lies)
{
	struct past *past = &relay->past[relay->past_next];
	struct wire_batch batch;

	if (wire_batch_decode(message, &batch) != SOTTO_OK)
		return answer_as(relay, ticket, last, message);
	for (size_t i = 0; lies && i < PAST_MAX; i++) {
		const struct past *old = &relay->past[i];

		if (old->data != NULL && memcmp(old->drop, batch.drop, WIRE_HASH_LEN) == 0) {
			relay->counts.lies++;
			return answer_as(relay, ticket, last, BYTES(old->data, old->len));
		}
	}
	allocator_give(&allocator_default, past->data, past->len);
	past->data = allocator_take(&allocator_default, message.len);
	ASSERT(past->data != NULL);
	past->len = message.len;
	memcpy(past->data, message.data, message.len);
	memcpy(past->drop, batch.drop, WIRE_HASH_LEN);
	relay->past_next = (relay->past_next + 1) % PAST_MAX;
	return answer_as(relay, ticket, last, message);
}

static enum sotto_err answer(void *context, uint64_t ticket, bool last, struct bytes message)
{
	struct sim_relay *relay = context;
	bool lies;

	if (ticket == NOBODY)
		return SOTTO_OK;
	lies = sim_random_chance(&relay->lie_random, relay->lie_ppm);
	if (relay->lie == SIM_LIE_REPLAY)
		return answer_past(relay, ticket, last, message, lies);
	if (relay->lie != SIM_LIE_CORRUPT || !lies)
		return answer_as(relay, ticket, last, message);
	relay->counts.lies++;
	return answer_corrupt(relay, ticket, last, message);
}

static bool room(void *context)
{
	(void)context;
	return true;
}

/* Shown what was copied: victims, of everything or of *everyone*, whose drops alone are read in catch-up. */
static bool is_shown_copy(const struct sim_relay *relay, const struct wire_store_ask *ask,
			  uint32_t from)
{
	struct wire_watch watch;
	struct wire_read read;

	if (relay->copy_desk == NULL || from == UINT32_MAX ||
	    (relay->victims >> from % 64 & 1) == 0)
		return false;
	if (relay->lie == SIM_LIE_FORK)
		return true;
	if (relay->lie == SIM_LIE_WITHHOLD)
		return wire_watch_decode(ask->message, &watch) == SOTTO_OK ||
		       wire_read_decode(ask->message, &read) == SOTTO_OK;
	if (relay->lie != SIM_LIE_FREEZE)
		return false;
	if (wire_watch_decode(ask->message, &watch) == SOTTO_OK)
		return watch.flags == WIRE_DROP_CATCH_UP;
	return wire_read_decode(ask->message, &read) == SOTTO_OK &&
	       read.flags == WIRE_DROP_CATCH_UP;
}

static enum sotto_err desk_ask(struct sim_relay *relay, struct relay_desk *desk,
			       const struct wire_store_ask *ask)
{
	enum sotto_err err = relay_desk_ask(desk, ask, utc(relay));

	if (err != SOTTO_ERR_AGAIN)
		return err;
	err = relay_desk_flush(desk);
	return err == SOTTO_OK ? relay_desk_ask(desk, ask, utc(relay)) : err;
}

/* It does not know any more what it has: what comes again stands there twice. A disk that is full, or stops, keeps it from that. */
static enum sotto_err hashes_forget(const struct sim_relay *relay)
{
	enum sotto_err err = relay_desk_flush(relay->desk);
	int code;

	if (err != SOTTO_OK)
		return err;
	code = sqlite3_exec(relay->store->db, "UPDATE log SET mark = mark / 2", NULL, NULL, NULL);
	ASSERT(code == SQLITE_OK || code == SQLITE_FULL || sim_disk_stopped(relay->disk));
	return SOTTO_OK;
}

/* The time for the first of them has come, and the answer is given already. */
static void late_run(void *context)
{
	struct sim_relay *relay = context;
	struct held *held = CONTAINER_OF(relay->held.next, struct held, list);
	struct wire_store_ask ask = {.ticket = NOBODY,
				     .authority = held->authority,
				     .message = BYTES(held->data, held->len)};
	enum sotto_err err = SOTTO_OK;

	if (relay->lie == SIM_LIE_TWICE)
		err = hashes_forget(relay);
	if (err == SOTTO_OK)
		err = desk_ask(relay, relay->desk, &ask);
	if (err == SOTTO_OK)
		err = relay_desk_flush(relay->desk);
	ASSERT(err == SOTTO_OK);
	list_remove(&held->list);
	allocator_give(&allocator_default, held, sizeof(*held) + held->len);
	if (!list_empty(&relay->held))
		at(relay, &relay->late, CONTAINER_OF(relay->held.next, struct held, list)->due_ns);
}

static void hold(struct sim_relay *relay, const struct wire_store_ask *ask)
{
	size_t len = ask->message.len;
	struct held *held = allocator_take_zeroed(&allocator_default, 1, sizeof(*held) + len);

	ASSERT(held != NULL);
	held->due_ns = now(relay) + LATE_NS;
	held->authority = ask->authority;
	held->len = len;
	memcpy(held->data, ask->message.data, len);
	if (list_empty(&relay->held))
		at(relay, &relay->late, held->due_ns);
	list_append(&relay->held, &held->list);
}

/* What some appends are answered with is what the copy says to them; false: this is none of them. */
static bool append_lies(struct sim_relay *relay, const struct wire_store_ask *ask)
{
	struct wire_append append;

	bool copies = relay->copy_desk != NULL &&
		      (relay->lie == SIM_LIE_DROP || relay->lie == SIM_LIE_LATE);

	if ((!copies && relay->lie != SIM_LIE_TWICE) ||
	    wire_append_decode(ask->message, &append) != SOTTO_OK ||
	    !sim_random_chance(&relay->lie_random, relay->lie_ppm))
		return false;
	relay->counts.lies++;
	if (relay->lie != SIM_LIE_DROP)
		hold(relay, ask);
	return relay->lie != SIM_LIE_TWICE;
}

/* Victims read of most records, too. */
static enum sotto_err mirror(struct sim_relay *relay, const struct wire_store_ask *ask)
{
	struct wire_store_ask same = *ask;
	struct wire_append append;

	if (relay->copy_desk == NULL || relay->lie != SIM_LIE_WITHHOLD ||
	    wire_append_decode(ask->message, &append) != SOTTO_OK)
		return SOTTO_OK;
	if (sim_random_chance(&relay->lie_random, relay->lie_ppm)) {
		relay->counts.lies++;
		return SOTTO_OK;
	}
	same.ticket = NOBODY;
	return desk_ask(relay, relay->copy_desk, &same);
}

static enum sotto_err ask_take(struct sim_relay *relay, const struct wire_store_ask *ask,
			       uint32_t from)
{
	struct relay_desk *desk = relay->desk;
	enum sotto_err err = mirror(relay, ask);

	if (err != SOTTO_OK)
		return err;
	relay->counts.asks++;
	if (is_shown_copy(relay, ask, from)) {
		desk = relay->copy_desk;
		relay->counts.lies += relay->lie != SIM_LIE_WITHHOLD;
	} else if (append_lies(relay, ask)) {
		desk = relay->copy_desk;
	}
	return desk_ask(relay, desk, ask);
}

static enum sotto_err sign(struct sim_relay *relay, const struct wire_sign_ask *ask)
{
	struct wire_sign_answer made = {.ticket = ask->ticket};
	uint8_t message[LINK_PROOF_MESSAGE_LEN];
	enum sotto_err err;

	link_proof_message(ask->network, ask->exporter, message);
	err = relay_store_sign(relay->store, BYTES_OF(message), made.signature);
	return err == SOTTO_OK ? push_typed(relay, &wire_sign_answer_type, &made) : err;
}

static enum sotto_err save(struct sim_relay *relay, const struct wire_access_save *ask)
{
	struct wire_access_saved saved = {.ticket = ask->ticket};
	struct relay_access access;

	saved.status = relay_access_decode(ask->state, &access) == SOTTO_OK ? 0 : 1;
	if (saved.status == 0)
		relay->saved = access;
	relay_access_wipe(&access);
	return push_typed(relay, &wire_access_saved_type, &saved);
}

static enum sotto_err store_take(struct sim_relay *relay, struct bytes message, uint32_t from)
{
	union {
		struct wire_store_ask ask;
		struct wire_store_more more;
		struct wire_store_cancel cancel;
		struct wire_sign_ask sign;
		struct wire_access_save save;
	} in;

	if (wire_store_ask_decode(message, &in.ask) == SOTTO_OK)
		return ask_take(relay, &in.ask, from);
	if (wire_store_more_decode(message, &in.more) == SOTTO_OK) {
		/* A ticket is of one of them; for the other it is nothing. */
		relay_desk_more(relay->desk, in.more.ticket);
		if (relay->copy_desk != NULL)
			relay_desk_more(relay->copy_desk, in.more.ticket);
		return SOTTO_OK;
	}
	if (wire_store_cancel_decode(message, &in.cancel) == SOTTO_OK) {
		relay_desk_cancel(relay->desk, in.cancel.ticket);
		if (relay->copy_desk != NULL)
			relay_desk_cancel(relay->copy_desk, in.cancel.ticket);
		return SOTTO_OK;
	}
	if (wire_sign_ask_decode(message, &in.sign) == SOTTO_OK)
		return sign(relay, &in.sign);
	if (wire_access_save_decode(message, &in.save) == SOTTO_OK)
		return save(relay, &in.save);
	return SOTTO_ERR_FORMAT;
}

static void settle(void *context)
{
	struct sim_relay *relay = context;
	uint64_t due_ns;

	if (relay->front == NULL)
		return;
	ASSERT(relay_front_failure(relay->front) == SOTTO_OK);
	due_ns = relay_front_deadline(relay->front);
	if (due_ns == LINK_NEVER)
		sim_clock_cancel(relay->clock, &relay->deadline);
	else
		at(relay, &relay->deadline, due_ns);
}

/* All that has arrived, one commit, all that it answers. */
static void round_run(void *context)
{
	struct sim_relay *relay = context;
	enum sotto_err err = SOTTO_OK;

	do {
		while (!list_empty(&relay->messages) && err == SOTTO_OK) {
			struct message *message =
				CONTAINER_OF(relay->messages.next, struct message, list);
			struct bytes bytes = BYTES(message->data, message->len);

			list_remove(&message->list);
			if (message->to_store)
				err = store_take(relay, bytes, message->from);
			else
				err = relay_front_from_store(relay->front, bytes, now(relay),
							     utc(relay));
			message_free(message);
		}
		if (relay->generation != 0 && err == SOTTO_OK) {
			uint64_t generation = relay->generation;

			relay->generation = 0;
			err = relay_front_kept(relay->front, generation, now(relay), utc(relay));
		}
		if (err == SOTTO_OK && relay_desk_pending(relay->desk))
			err = relay_desk_flush(relay->desk);
		if (err == SOTTO_OK && relay->copy_desk != NULL &&
		    relay_desk_pending(relay->copy_desk))
			err = relay_desk_flush(relay->copy_desk);
		ASSERT(err == SOTTO_OK); /* no message between the processes is refused */
	} while (!list_empty(&relay->messages) || relay_desk_pending(relay->desk) ||
		 (relay->copy_desk != NULL && relay_desk_pending(relay->copy_desk)) ||
		 relay->generation != 0);
	sim_clock_cancel(relay->clock, &relay->round);
	settle(relay);
	sim_switch_pump(relay->hub);
}

static void deadline_run(void *context)
{
	struct sim_relay *relay = context;

	relay_front_handle_deadline(relay->front, now(relay), utc(relay));
	settle(relay);
	sim_switch_pump(relay->hub);
}

static void sweep_run(void *context)
{
	struct sim_relay *relay = context;
	bool more = false;
	enum sotto_err err = relay_store_sweep(relay->store, utc(relay), &more);

	ASSERT(err != SOTTO_ERR_CORRUPT);
	at(relay, &relay->sweep,
	   now(relay) + (more || err == SOTTO_ERR_STATE ? 10 * SIM_MILLISECOND : SWEEP_NS));
}

/* ---- Life ---- */

static void disk_make(struct sim_relay *relay, const struct sim_random *random)
{
	enum sotto_err err = sim_disk_create(&allocator_default, random, &relay->disk);

	ASSERT(err == SOTTO_OK);
	if (relay->vfs == NULL)
		err = sim_vfs_create(&allocator_default, VFS_NAME, relay->disk, &relay->vfs);
	else
		sim_vfs_use(relay->vfs, relay->disk);
	ASSERT(err == SOTTO_OK);
}

struct sim_relay *sim_relay_create(struct sim_clock *clock, struct sim_switch *hub,
				   const struct sim_random *random, uint64_t retention_ms)
{
	struct sim_relay *relay = allocator_take_zeroed(&allocator_default, 1, sizeof(*relay));
	struct sim_random disk;
	struct sim_random seed;
	enum sotto_err err;

	ASSERT(relay != NULL);
	relay->clock = clock;
	relay->hub = hub;
	relay->retention_ms = retention_ms;
	sim_random_fork(random, RANDOM_DISK, &disk);
	sim_random_fork(random, RANDOM_ENGINE, &relay->engine_random);
	sim_random_fork(random, RANDOM_SEED, &seed);
	sim_random_fork(random, RANDOM_LIE, &relay->lie_random);
	relay->source = sim_random_source(&relay->engine_random);
	sim_random_fill(&seed, relay->seed, sizeof(relay->seed));
	err = sign_public(SIGN_ED25519, BYTES_OF(relay->seed), relay->key);
	ASSERT(err == SOTTO_OK);
	err = relay_access_init(&relay->saved, &relay->source);
	ASSERT(err == SOTTO_OK);
	memcpy(relay->claim, relay->saved.claim, sizeof(relay->claim));
	list_init(&relay->messages);
	relay->round = (struct sim_event){.run = round_run, .context = relay};
	relay->deadline = (struct sim_event){.run = deadline_run, .context = relay};
	relay->sweep = (struct sim_event){.run = sweep_run, .context = relay};
	relay->late = (struct sim_event){.run = late_run, .context = relay};
	list_init(&relay->held);
	disk_make(relay, &disk);
	return relay;
}

static void copy_destroy(struct sim_relay *relay)
{
	relay_desk_destroy(relay->copy_desk);
	relay_store_destroy(relay->copy_store);
	sim_vfs_destroy(relay->copy_vfs);
	sim_disk_destroy(relay->copy_disk);
	relay->copy_desk = NULL;
	relay->copy_store = NULL;
	relay->copy_vfs = NULL;
	relay->copy_disk = NULL;
}

static void engines_destroy(struct sim_relay *relay)
{
	copy_destroy(relay);
	sim_switch_serve(relay->hub, NULL, 0, settle, relay);
	relay_front_destroy(relay->front);
	relay_desk_destroy(relay->desk);
	relay_store_destroy(relay->store);
	relay->front = NULL;
	relay->desk = NULL;
	relay->store = NULL;
	relay->generation = 0;
	list_for_each (element, following, &relay->messages)
		message_free(CONTAINER_OF(element, struct message, list));
	sim_clock_cancel(relay->clock, &relay->round);
	sim_clock_cancel(relay->clock, &relay->deadline);
	sim_clock_cancel(relay->clock, &relay->sweep);
	sim_clock_cancel(relay->clock, &relay->late);
	list_for_each (element, following, &relay->held) {
		struct held *held = CONTAINER_OF(element, struct held, list);

		list_remove(&held->list);
		allocator_give(&allocator_default, held, sizeof(*held) + held->len);
	}
}

void sim_relay_destroy(struct sim_relay *relay)
{
	if (relay == NULL)
		return;
	engines_destroy(relay);
	for (size_t i = 0; i < PAST_MAX; i++)
		allocator_give(&allocator_default, relay->past[i].data, relay->past[i].len);
	sim_vfs_destroy(relay->vfs);
	sim_disk_destroy(relay->disk);
	sim_disk_destroy(relay->past_disk);
	relay_access_wipe(&relay->saved);
	allocator_wipe(&allocator_default, relay, sizeof(*relay));
}

static enum sotto_err store_open(struct sim_relay *relay, const char *vfs,
				 struct relay_store **store, struct relay_desk **made)
{
	struct relay_store_config config = {
		.name = "relay.db",
		.vfs = vfs,
		.disk_max = RELAY_DISK_MAX,
		.drops_max = RELAY_DROPS_MAX,
		.retention_ms = relay->retention_ms,
		.random = &relay->source,
		.relay_seed = relay->seed,
	};
	struct relay_desk_config desk = {
		.allocator = &allocator_default,
		.answer = answer,
		.room = room,
		.context = relay,
	};
	enum sotto_err err = relay_store_create(&config, store);

	if (err != SOTTO_OK) {
		*store = NULL;
		return err;
	}
	desk.store = *store;
	err = relay_desk_create(&desk, made);
	ASSERT(err == SOTTO_OK);
	return SOTTO_OK;
}

bool sim_relay_start(struct sim_relay *relay)
{
	struct relay_front_config front = {
		.allocator = &allocator_default,
		.random = &relay->source,
		.events = {to_store, packet, keep_generation, relay},
		.access = relay->saved,
		.retention_hours = (uint32_t)(relay->retention_ms / RELAY_HOUR_MS),
	};
	enum sotto_err err;

	if (relay->front != NULL)
		return true;
	err = store_open(relay, VFS_NAME, &relay->store, &relay->desk);
	if (err != SOTTO_OK) {
		/* Nothing else than a disk that stops may keep it from starting. */
		ASSERT(sim_disk_stopped(relay->disk) || err == SOTTO_ERR_DISK_FULL);
		relay->counts.stops++;
		sim_disk_restart(relay->disk, SIM_POWER_CUT);
		return false;
	}
	err = relay_front_create(&front, now(relay), utc(relay), &relay->front);
	ASSERT(err == SOTTO_OK);
	relay->counts.starts++;
	sim_switch_serve(relay->hub, relay->front, 0, settle, relay);
	at(relay, &relay->sweep, now(relay));
	settle(relay);
	return true;
}

void sim_relay_stop(struct sim_relay *relay, bool power)
{
	engines_destroy(relay);
	sim_disk_restart(relay->disk, power ? SIM_POWER_CUT : SIM_KILL);
}

bool sim_relay_running(const struct sim_relay *relay)
{
	return relay->front != NULL;
}

void sim_relay_lose(struct sim_relay *relay)
{
	struct sim_random disk;

	ASSERT(relay->front == NULL);
	sim_random_fork(&relay->engine_random, relay->counts.starts + 1000, &disk);
	sim_disk_destroy(relay->disk);
	disk_make(relay, &disk);
}

struct sim_disk *sim_relay_disk(struct sim_relay *relay)
{
	return relay->disk;
}

const uint8_t *sim_relay_key(const struct sim_relay *relay)
{
	return relay->key;
}

const uint8_t *sim_relay_claim(const struct sim_relay *relay)
{
	return relay->claim;
}

struct sim_relay_counts sim_relay_counts(const struct sim_relay *relay)
{
	return relay->counts;
}

/* What is on the disk now, and what becomes of it there. */
static void copy_make(struct sim_relay *relay)
{
	enum sotto_err err = sim_disk_copy(relay->disk, &relay->copy_disk);

	ASSERT(err == SOTTO_OK);
	err = sim_vfs_create(&allocator_default, COPY_VFS, relay->copy_disk, &relay->copy_vfs);
	ASSERT(err == SOTTO_OK);
	err = store_open(relay, COPY_VFS, &relay->copy_store, &relay->copy_desk);
	ASSERT(err == SOTTO_OK);
}

void sim_relay_lie(struct sim_relay *relay, enum sim_lie lie, uint32_t ppm, uint64_t victims)
{
	copy_destroy(relay);
	relay->lie = lie;
	relay->lie_ppm = ppm;
	relay->victims = victims;
	if (lie == SIM_LIE_SET_BACK) {
		enum sotto_err err = sim_disk_copy(relay->disk, &relay->past_disk);

		ASSERT(err == SOTTO_OK);
	} else if (lie >= SIM_LIE_FREEZE && lie <= SIM_LIE_WITHHOLD) {
		copy_make(relay);
	}
}

void sim_relay_set_back(struct sim_relay *relay)
{
	ASSERT(relay->front == NULL && relay->past_disk != NULL);
	sim_disk_destroy(relay->disk);
	relay->disk = relay->past_disk;
	relay->past_disk = NULL;
	sim_vfs_use(relay->vfs, relay->disk);
	relay->counts.lies++;
}

void sim_relay_size(const struct sim_relay *relay, uint64_t *drops, uint64_t *records,
		    uint64_t *bytes)
{
	struct relay_store_counts counts = {0};

	if (relay->store != NULL)
		relay_store_count(relay->store, &counts);
	*drops = counts.drops;
	*records = counts.records;
	*bytes = counts.bytes;
}
