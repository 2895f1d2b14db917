/* SPDX-License-Identifier: Apache-2.0 */
/* Phones and a relay under virtual time. */
#include "tests/talk/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define EVENTS_MAX 16384

enum direction { TO_RELAY, TO_PHONE, DIAL };

struct event {
	uint64_t at_ns;
	uint64_t order;
	enum direction direction;
	uint32_t phone;
	uint64_t link;
	uint64_t ticket;
	bool last, cancel;
	uint8_t *data;
	size_t len;
};

struct world {
	struct world_phone phones[WORLD_PHONES_MAX];
	uint32_t phone_count;
	uint8_t digits; /* of extensions */
	uint16_t suite;
	uint64_t (*clock)(void);
	struct fake_relay *relay;
	struct event events[EVENTS_MAX];
	size_t event_count;
	uint64_t order;
	uint64_t now_ns;
	uint64_t random;
	uint32_t corrupt_one_in;
	world_sent_fn *sent;
	void *sent_context;
	world_started_fn *started;
	void *started_context;
};

static uint64_t next_random(struct world *world)
{
	/* splitmix64 */
	uint64_t z = world->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static enum sotto_err fill(void *context, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)next_random(context);
	return SOTTO_OK;
}

static uint64_t utc(const struct world *world)
{
	return WORLD_UTC_MS + world->now_ns / 1000000;
}

static void event_put(struct world *world, struct event event, struct bytes bytes)
{
	ASSERT(world->event_count < EVENTS_MAX);
	event.order = ++world->order;
	event.len = bytes.len;
	if (bytes.len > 0) {
		event.data = malloc(bytes.len);
		ASSERT(event.data != NULL);
		memcpy(event.data, bytes.data, bytes.len);
	}
	world->events[world->event_count++] = event;
}

/* 5 to 60 ms, never before what was sent on this link before. */
static uint64_t arrival(struct world *world, uint64_t *previous_ns)
{
	uint64_t at = world->now_ns + (5 + next_random(world) % 55) * 1000000;

	if (at <= *previous_ns)
		at = *previous_ns + 1;
	*previous_ns = at;
	return at;
}

static void relay_answers(void *context, uint32_t link, uint64_t ticket, struct bytes message,
			  bool last)
{
	struct world *world = context;
	struct world_phone *phone = &world->phones[link];

	event_put(world,
		  (struct event){.at_ns = arrival(world, &phone->last_down_ns),
				 .direction = TO_PHONE,
				 .phone = link,
				 .link = phone->link,
				 .ticket = ticket,
				 .last = last},
		  message);
}

static void *allocate(void *context, size_t len)
{
	struct world_phone *phone = context;
	void *memory;

	if (phone->fail_left != UINT64_MAX && phone->fail_left-- == 0)
		return NULL;
	memory = malloc(len);
	if (memory != NULL)
		phone->memory += len;
	if (phone->memory_peak < phone->memory)
		phone->memory_peak = phone->memory;
	return memory;
}

static void give(void *context, void *memory, size_t len)
{
	struct world_phone *phone = context;

	if (memory != NULL)
		phone->memory -= len;
	free(memory);
}

/* Around everything that an engine does. */
static void engine_begin(struct world_phone *phone)
{
	if (phone->world->clock != NULL)
		phone->spent_ns -= phone->world->clock();
}

static void engine_end(struct world_phone *phone)
{
	if (phone->world->clock != NULL)
		phone->spent_ns += phone->world->clock();
}

static enum sotto_err fill_some(void *context, uint8_t *out, size_t len)
{
	struct world_phone *phone = context;

	if (phone->fail_left != UINT64_MAX && phone->fail_left-- == 0)
		return SOTTO_ERR_RANDOM;
	return fill(phone->world, out, len);
}

void world_corrupt(struct world *world, uint32_t one_in)
{
	world->corrupt_one_in = one_in;
}

static void phone_start(struct world_phone *phone)
{
	struct talk_config config = {.allocator = &phone->allocator,
				     .random = &phone->source,
				     .suite = phone->world->suite,
				     .watches_max = phone->watches};
	enum sotto_err err;

	phone->reader = store_memory_reader(phone->store);
	phone->writer = store_memory_writer(phone->store);
	if (phone->other.start != NULL)
		phone->other.start(phone->other.context, &phone->reader, &phone->writer);
	engine_begin(phone);
	err = talk_create(&config, &phone->talk);
	ASSERT(err == SOTTO_OK);
	err = talk_load(phone->talk, &phone->reader, phone->world->now_ns);
	ASSERT(err == SOTTO_OK);
	engine_end(phone);
	if (phone->locked)
		talk_lock(phone->talk);
	if (phone->world->started != NULL)
		phone->world->started(phone->world->started_context, phone);
}

struct world *world_create(uint64_t seed)
{
	return world_create_of(seed, WORLD_PHONES);
}

struct world *world_create_of(uint64_t seed, uint32_t phones)
{
	return world_create_as(&(struct world_plan){.seed = seed, .phones = phones});
}

struct world *world_create_as(const struct world_plan *plan)
{
	/* The story is told anew with another suite. */
	const char *suite = getenv("SOTTO_TEST_SUITE");
	struct world *world = calloc(1, sizeof(*world));

	ASSERT(world != NULL && plan->phones <= WORLD_PHONES_MAX);
	world->phone_count = plan->phones;
	world->digits = 3;
	world->suite = plan->suite;
	if (world->suite == 0 && suite != NULL)
		world->suite = (uint16_t)strtoul(suite, NULL, 0);
	world->clock = plan->clock;
	world->random = plan->seed;
	world->now_ns = WORLD_SECOND;
	world->relay = fake_relay_create((uint32_t)plan->seed, relay_answers, world);
	for (uint32_t i = 0; i < world->phone_count; i++) {
		struct world_phone *phone = &world->phones[i];
		enum sotto_err err;

		phone->world = world;
		phone->number = i;
		phone->fail_left = UINT64_MAX;
		phone->allocator = (struct allocator){allocate, give, phone};
		phone->source = (struct random_source){.fill = fill_some, .context = phone};
		err = store_memory_create(&allocator_default, &phone->store);
		ASSERT(err == SOTTO_OK);
		phone_start(phone);
	}
	return world;
}

void world_destroy(struct world *world)
{
	for (uint32_t i = 0; i < world->phone_count; i++) {
		talk_destroy(world->phones[i].talk);
		store_memory_destroy(world->phones[i].store);
	}
	for (size_t i = 0; i < world->event_count; i++)
		free(world->events[i].data);
	fake_relay_destroy(world->relay);
	free(world);
}

struct world_phone *world_phone(struct world *world, uint32_t number)
{
	return &world->phones[number];
}

struct fake_relay *world_relay(struct world *world)
{
	return world->relay;
}

uint64_t world_now(const struct world *world)
{
	return world->now_ns;
}

void world_digits(struct world *world, uint8_t digits)
{
	world->digits = digits;
}

uint32_t world_extension(const struct world *world, uint32_t number)
{
	uint32_t first = 1;

	for (uint8_t i = 1; i < world->digits; i++)
		first *= 10;
	return first + number;
}

static void dial(struct world_phone *phone)
{
	event_put(phone->world,
		  (struct event){.at_ns = phone->world->now_ns + 50000000,
				 .direction = DIAL,
				 .phone = phone->number,
				 .link = phone->link},
		  BYTES_NONE);
}

static void unlink_phone(struct world_phone *phone)
{
	phone->link_up = false;
	phone->link++;
	fake_relay_disconnect(phone->world->relay, phone->number);
}

void world_restart(struct world_phone *phone)
{
	unlink_phone(phone);
	talk_destroy(phone->talk);
	store_memory_stop_after(phone->store, UINT64_MAX);
	phone->fail_left = UINT64_MAX;
	phone_start(phone);
	if (phone->wants_link)
		dial(phone);
}

void world_empty(struct world *world, uint32_t number)
{
	struct world_phone *phone = &world->phones[number];
	enum sotto_err err;

	unlink_phone(phone);
	phone->wants_link = false;
	talk_destroy(phone->talk);
	store_memory_destroy(phone->store);
	err = store_memory_create(&allocator_default, &phone->store);
	ASSERT(err == SOTTO_OK);
	phone_start(phone);
}

void world_watches(struct world *world, uint32_t number, size_t watches)
{
	world->phones[number].watches = watches;
	world_restart(&world->phones[number]);
}

void world_store(struct world *world, uint32_t number, struct world_store store)
{
	world->phones[number].other = store;
	world_restart(&world->phones[number]);
}

void world_listen(struct world *world, world_sent_fn *sent, void *context)
{
	world->sent = sent;
	world->sent_context = context;
}

void world_on_start(struct world *world, world_started_fn *started, void *context)
{
	world->started = started;
	world->started_context = context;
}

void world_die_after(struct world_phone *phone, uint64_t actions)
{
	store_memory_stop_after(phone->store, actions);
}

void world_fail_after(struct world_phone *phone, uint64_t calls)
{
	phone->fail_left = calls;
}

/* An engine that ran out of something is thrown away. */
static bool survived(struct world_phone *phone, enum sotto_err err)
{
	if (err == SOTTO_OK)
		return true;
	ASSERT(err == SOTTO_ERR_NO_MEMORY || err == SOTTO_ERR_RANDOM);
	ASSERT(phone->fail_left == UINT64_MAX);
	phone->deaths++;
	world_restart(phone);
	return false;
}

static void redial(struct world_phone *phone)
{
	enum sotto_err err;

	unlink_phone(phone);
	engine_begin(phone);
	err = talk_link_down(phone->talk, phone->world->now_ns, utc(phone->world));
	engine_end(phone);
	if (survived(phone, err) && phone->wants_link)
		dial(phone);
}

/* As the programs do it: a link by an access key outlives a change of keys. */
static bool link_stays(const struct world_phone *phone)
{
	uint8_t authority = fake_relay_authority(phone->world->relay, phone->number);
	struct talk_link link;

	return !phone->link_up ||
	       ((authority == WIRE_AUTHORITY_FULL || authority == WIRE_AUTHORITY_CATCH_UP) &&
		talk_link(phone->talk, &link) == SOTTO_OK && link.keys[0].kind == TALK_KEY_ACCESS);
}

static void event_handle(struct world_phone *phone, const struct talk_event *event, bool *relink)
{
	switch (event->type) {
	case TALK_EVENT_LINK:
		*relink = true;
		break;
	case TALK_EVENT_INVITED:
		ASSERT(event->text.len < sizeof(phone->invitation));
		memcpy(phone->invitation, event->text.data, event->text.len);
		phone->invitation_len = event->text.len;
		phone->invited = event->extension;
		break;
	case TALK_EVENT_CALL:
		phone->calls++;
		break;
	case TALK_EVENT_EPOCH:
		phone->epochs++;
		break;
	case TALK_EVENT_MESSAGE:
		if (event->message.kind != TALK_ROW_TEXT)
			break;
		ASSERT(!phone->locked && event->row > phone->text_row);
		phone->text_row = event->row;
		phone->texts++;
		break;
	case TALK_EVENT_ACT_FAILED:
		phone->failed_act = event->extension;
		break;
	case TALK_EVENT_PROPOSAL:
		phone->proposal = event->proposal;
		memcpy(phone->code, event->text.data, TALK_CODE_LEN);
		break;
	case TALK_EVENT_STATE:
	case TALK_EVENT_MEMBERS:
	case TALK_EVENT_MESSAGE_STATE:
	case TALK_EVENT_MESSAGE_CHANGED:
	case TALK_EVENT_GROUP_FAILED:
	case TALK_EVENT_DEVICE_ASKS:
	case TALK_EVENT_HAND:
		break;
	}
}

void world_settle(struct world_phone *phone)
{
	struct world *world = phone->world;
	struct talk_request request;
	struct talk_event event;
	bool relink = false;
	enum sotto_err err;

	phone->steps++;
	err = store_apply(&phone->writer, talk_batch(phone->talk));
	/* A locked phone's engine that wants more than ring tables. */
	ASSERT(err != SOTTO_ERR_STATE || !phone->locked);
	if (err != SOTTO_OK) {
		phone->deaths++;
		world_restart(phone);
		return;
	}
	talk_stored(phone->talk);
	while (talk_next_request(phone->talk, &request)) {
		if (world->sent != NULL && !request.cancel)
			world->sent(world->sent_context, phone->talk, request.message);
		event_put(world,
			  (struct event){.at_ns = arrival(world, &phone->last_up_ns),
					 .direction = TO_RELAY,
					 .phone = phone->number,
					 .link = phone->link,
					 .ticket = request.ticket,
					 .cancel = request.cancel},
			  request.message);
	}
	while (talk_next_event(phone->talk, &event))
		event_handle(phone, &event, &relink);
	if (relink && !link_stays(phone)) {
		redial(phone);
		if (talk_batch(phone->talk)->len > 0)
			world_settle(phone);
	}
}

void world_lock(struct world_phone *phone)
{
	phone->locked = true;
	store_memory_lock(phone->store, true);
	talk_lock(phone->talk);
}

void world_unlock(struct world_phone *phone)
{
	bool more = true;

	phone->locked = false;
	store_memory_lock(phone->store, false);
	while (more) {
		if (!survived(phone, talk_unlock(phone->talk, &phone->reader, phone->world->now_ns,
						 utc(phone->world))))
			continue;
		more = talk_batch(phone->talk)->len > 0;
		world_settle(phone);
	}
}

static void dialled(struct world_phone *phone)
{
	static const uint8_t exporter[WIRE_EXPORTER_LEN] = FAKE_RELAY_EXPORTER;
	struct talk_link link;
	enum sotto_err err;

	if (phone->link_up || !phone->wants_link || talk_link(phone->talk, &link) != SOTTO_OK)
		return;
	if (!fake_relay_connect(phone->world->relay, phone->number, &link)) {
		dial(phone);
		return;
	}
	phone->link_up = true;
	phone->link++;
	engine_begin(phone);
	err = talk_link_up(phone->talk, exporter, phone->clock_offset_ms, phone->world->now_ns,
			   utc(phone->world));
	engine_end(phone);
	if (survived(phone, err))
		world_settle(phone);
}

void world_link(struct world *world, uint32_t number, bool wanted)
{
	struct world_phone *phone = &world->phones[number];

	phone->wants_link = wanted;
	if (wanted && !phone->link_up)
		dial(phone);
	if (!wanted && phone->link_up) {
		redial(phone);
		world_settle(phone);
	}
}

static void event_run(struct world *world, struct event *event)
{
	struct world_phone *phone = &world->phones[event->phone];
	enum sotto_err err;

	if (event->direction == DIAL) {
		dialled(phone);
		return;
	}
	if (event->link != phone->link)
		return;
	if (event->direction == TO_RELAY) {
		fake_relay_clock(world->relay, world->now_ns / 1000000);
		if (event->cancel)
			fake_relay_cancel(world->relay, event->phone, event->ticket);
		else
			fake_relay_request(world->relay, event->phone, event->ticket,
					   BYTES(event->data, event->len));
		return;
	}
	if (event->len == 0) {
		engine_begin(phone);
		err = talk_end(phone->talk, event->ticket, world->now_ns, utc(world));
		engine_end(phone);
		if (survived(phone, err))
			world_settle(phone);
		return;
	}
	if (world->corrupt_one_in != 0 && next_random(world) % world->corrupt_one_in == 0)
		event->data[next_random(world) % event->len] ^=
			(uint8_t)(1 << next_random(world) % 8);
	engine_begin(phone);
	err = talk_reply(phone->talk, event->ticket, BYTES(event->data, event->len), event->last,
			 world->now_ns, utc(world));
	engine_end(phone);
	if (survived(phone, err))
		world_settle(phone);
}

static size_t event_next(const struct world *world)
{
	size_t best = 0;

	for (size_t i = 1; i < world->event_count; i++) {
		const struct event *a = &world->events[i];
		const struct event *b = &world->events[best];

		if (a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->order < b->order))
			best = i;
	}
	return best;
}

static uint64_t timer_next(const struct world *world, uint32_t *phone)
{
	uint64_t best = TALK_NEVER;

	for (uint32_t i = 0; i < world->phone_count; i++) {
		uint64_t due = talk_deadline(world->phones[i].talk);

		if (due < best) {
			best = due;
			*phone = i;
		}
	}
	return best;
}

void world_run(struct world *world, uint64_t seconds)
{
	world_run_ms(world, seconds * 1000);
}

void world_run_ms(struct world *world, uint64_t ms)
{
	uint64_t end = world->now_ns + ms * 1000000;

	for (;;) {
		size_t next = event_next(world);
		uint32_t timed = 0;
		uint64_t due = timer_next(world, &timed);
		uint64_t at = world->event_count > 0 ? world->events[next].at_ns : TALK_NEVER;

		if (at >= end && due >= end)
			break;
		if (due < at) {
			enum sotto_err err;

			if (world->now_ns < due)
				world->now_ns = due;
			engine_begin(&world->phones[timed]);
			err = talk_tick(world->phones[timed].talk, world->now_ns, utc(world));
			engine_end(&world->phones[timed]);
			if (survived(&world->phones[timed], err))
				world_settle(&world->phones[timed]);
		} else {
			struct event event = world->events[next];

			world->events[next] = world->events[--world->event_count];
			if (world->now_ns < event.at_ns)
				world->now_ns = event.at_ns;
			event_run(world, &event);
			free(event.data);
		}
	}
	world->now_ns = end;
}

void world_found(struct world *world)
{
	struct world_phone *phone = &world->phones[0];
	struct talk_found found = {
		.network_name = BYTES_TEXT("Newsroom"),
		.name = BYTES_TEXT("Ana"),
		.digits = world->digits,
		.relay_address = BYTES_TEXT("relay.example:4433"),
	};
	enum sotto_err err;

	memcpy(found.relay_key, fake_relay_key(world->relay), WIRE_KEY_LEN);
	memcpy(found.claim, fake_relay_claim(world->relay), WIRE_KEY_LEN);
	engine_begin(phone);
	err = talk_found(phone->talk, &found, world->now_ns, utc(world));
	engine_end(phone);
	ASSERT(err == SOTTO_OK);
	world_settle(phone);
	world_link(world, 0, true);
	world_run(world, 2);
}

void world_invite(struct world *world, uint32_t number)
{
	enum sotto_err err = talk_invite(world->phones[0].talk, world_extension(world, number),
					 BYTES_TEXT("Bo"), 86400000, world->now_ns, utc(world));

	ASSERT(err == SOTTO_OK);
	world_settle(&world->phones[0]);
	world_run(world, 2);
	/* A phone that died meanwhile is asked again. */
	while (world->phones[0].invited != world_extension(world, number)) {
		err = talk_invite(world->phones[0].talk, world_extension(world, number),
				  BYTES_TEXT("Bo"), 86400000, world->now_ns, utc(world));
		if (err == SOTTO_OK)
			world_settle(&world->phones[0]);
		world_run(world, 2);
	}
}

void world_join(struct world *world, uint32_t number)
{
	const struct world_phone *admin = &world->phones[0];
	struct world_phone *phone = &world->phones[number];
	enum sotto_err err;

	engine_begin(phone);
	err = talk_join(phone->talk, BYTES(admin->invitation, admin->invitation_len), world->now_ns,
			utc(world));
	engine_end(phone);
	ASSERT(err == SOTTO_OK);
	world_settle(phone);
	world_link(world, number, true);
}

void world_members(struct world *world, uint32_t count, bool at_once)
{
	world_found(world);
	for (uint32_t i = 1; i < count; i++) {
		world_invite(world, i);
		world_join(world, i);
		if (!at_once)
			world_run(world, 5);
	}
	world_run(world, 20);
}

static enum sotto_err send_text(struct world_phone *phone, uint32_t extension, struct bytes text,
				uint8_t *id)
{
	struct talk_conversation to = talk_with(extension);

	return talk_send_text(phone->talk, &to, text, NULL, id, phone->world->now_ns,
			      utc(phone->world));
}

bool world_send(struct world *world, uint32_t from, uint32_t to, uint32_t text)
{
	struct world_phone *phone = &world->phones[from];
	uint8_t id[TALK_MESSAGE_ID_LEN];
	char buffer[64];
	size_t len = world_text(from, to, text, buffer, sizeof(buffer));
	uint32_t deaths = phone->deaths;
	enum sotto_err err = send_text(phone, world_extension(world, to), BYTES(buffer, len), id);

	if (err == SOTTO_ERR_NO_MEMORY || err == SOTTO_ERR_RANDOM)
		(void)survived(phone, err);
	if (err != SOTTO_OK)
		return false;
	world_settle(phone);
	return phone->deaths == deaths;
}

struct copying {
	struct world_phone *from, *to;
	struct store_batch batch;
	struct bytes owner;
	uint8_t table;
};

static enum sotto_err row_copy(void *context, uint64_t index, struct bytes value)
{
	struct copying *copying = context;

	return store_batch_put(&copying->batch, copying->table, copying->owner, index, value,
			       STORE_PLAIN);
}

void world_copy(struct world *world, uint32_t from, uint32_t to)
{
	struct copying copying = {.from = &world->phones[from], .to = &world->phones[to]};
	struct store_reader reader = store_memory_reader(copying.from->store);
	struct store_writer writer = store_memory_writer(copying.to->store);
	enum sotto_err err = SOTTO_OK;

	store_batch_init(&copying.batch, &allocator_default);
	for (uint32_t table = STORE_TABLES_LEDGER; table <= UINT8_MAX && err == SOTTO_OK; table++) {
		struct store_range range = STORE_RANGE_ALL((uint8_t)table, BYTES_NONE);

		copying.table = (uint8_t)table;
		err = store_iterate(&reader, &range, row_copy, &copying);
	}
	ASSERT(err == SOTTO_OK);
	err = store_apply(&writer, &copying.batch);
	ASSERT(err == SOTTO_OK);
	store_batch_release(&copying.batch);
	talk_destroy(copying.to->talk);
	phone_start(copying.to);
}
