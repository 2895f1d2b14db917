/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program around one phone's engine: what phone/agent_step.c does, with a simulated clock, disk and link.
 *
 *   input -> batch applied -> talk_stored -> requests to the line, events to whoever checks -> timer
 *
 * A phone whose store refuses a batch, or whose engine ran out of memory, is thrown away and started again from
 * what is stored.
 */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "sim/vfs.h"
#include "sim/world.h"

#define PASSPHRASE	  BYTES_TEXT("correct horse")
#define BOOT_MIN_NS	  (2 * SIM_SECOND)
#define BOOT_MAX_NS	  (60 * SIM_SECOND)
#define REQUESTS_PER_STEP 4096

enum { RANDOM_ENGINE = 1, RANDOM_DISK };

uint64_t sim_phone_now(const struct sim_phone *phone)
{
	uint64_t passed = sim_world_now(phone->world) - phone->mono_since;
	uint64_t parts = passed / 1000000;

	return phone->mono_base + passed + (uint64_t)((int64_t)parts * phone->drift_ppm);
}

uint64_t sim_phone_utc(const struct sim_phone *phone)
{
	return sim_clock_utc_ms(&phone->world->clock) + (uint64_t)phone->skew_ms;
}

void sim_phone_clock(struct sim_phone *phone, int32_t drift_ppm, int64_t skew_ms)
{
	phone->mono_base = sim_phone_now(phone);
	phone->mono_since = sim_world_now(phone->world);
	phone->drift_ppm = drift_ppm;
	phone->skew_ms = skew_ms;
	if (phone->talk != NULL)
		sim_phone_settle(phone, SOTTO_OK);
}

/* When the phone's own clock shows this. */
static uint64_t world_time(const struct sim_phone *phone, uint64_t own_ns)
{
	uint64_t own_now_ns = sim_phone_now(phone);
	uint64_t wait = own_ns > own_now_ns ? own_ns - own_now_ns : 0;
	uint64_t parts = wait / 1000000;

	return sim_world_now(phone->world) + wait - (uint64_t)((int64_t)parts * phone->drift_ppm) +
	       SIM_MILLISECOND;
}

static void *allocate(void *context, size_t len)
{
	struct sim_phone *phone = context;

	if (phone->fail_left != UINT64_MAX && phone->fail_left-- == 0)
		return NULL;
	return malloc(len);
}

static void give(void *context, void *memory, size_t len)
{
	(void)context;
	(void)len;
	free(memory);
}

/* ---- Life ---- */

static void engine_stop(struct sim_phone *phone)
{
	sim_clock_cancel(&phone->world->clock, &phone->timer);
	sim_line_close(phone->line, false);
	talk_destroy(phone->talk);
	phone->talk = NULL;
	phone->fail_left = UINT64_MAX;
}

static void store_stop(struct sim_phone *phone, bool power)
{
	if (phone->disk != NULL) {
		vault_close(phone->vault);
		phone->vault = NULL;
		sim_disk_restart(phone->disk, power ? SIM_POWER_CUT : SIM_KILL);
	} else {
		store_memory_stop_after(phone->memory, UINT64_MAX);
	}
}

static enum sotto_err store_start(struct sim_phone *phone, char *name)
{
	struct vault_config config = {.allocator = &allocator_default,
				      .random = &phone->source,
				      .vfs = name,
				      .path = "vault",
				      .cost = PASSWORD_COST_TESTING};
	enum sotto_err err = SOTTO_OK;

	if (phone->disk == NULL) {
		store_memory_lock(phone->memory, false);
		phone->reader = store_memory_reader(phone->memory);
		phone->writer = store_memory_writer(phone->memory);
		return SOTTO_OK;
	}
	err = vault_open(&config, PASSPHRASE, &phone->vault);
	if (err == SOTTO_ERR_NOT_FOUND)
		err = vault_create(&config, PASSPHRASE, &phone->vault);
	if (err != SOTTO_OK)
		return err;
	phone->reader = vault_reader(phone->vault);
	phone->writer = vault_writer(phone->vault);
	return SOTTO_OK;
}

static void boot_later(struct sim_phone *phone)
{
	sim_world_at(phone->world, &phone->boot,
		     sim_world_now(phone->world) + BOOT_MIN_NS +
			     sim_random_below(&phone->random, BOOT_MAX_NS - BOOT_MIN_NS));
}

static void link_wish(struct sim_phone *phone)
{
	struct talk_link link;

	if (talk_link(phone->talk, &link) == SOTTO_OK) {
		sim_line_dial(phone->line, &link);
		bytes_wipe(&link, sizeof(link));
	}
}

/* Died: of a full disk or a stop, of no memory, or because somebody pulled the plug. */
static void die(struct sim_phone *phone)
{
	phone->deaths++;
	phone->world->totals.deaths++;
	sim_trace(phone->world, "%u dies", phone->number);
	engine_stop(phone);
	store_stop(phone, true);
	boot_later(phone);
}

static void store_name(const struct sim_phone *phone, char name[32])
{
	static const char digits[] = "0123456789abcdef";

	memcpy(name, "sim-phone-", 10);
	for (int i = 0; i < 8; i++)
		name[10 + i] = digits[phone->number >> (28 - 4 * i) & 15];
	name[18] = '\0';
}

static void boot(void *context)
{
	struct sim_phone *phone = context;
	struct talk_config config = {.allocator = &phone->allocator,
				     .random = &phone->source,
				     .suite = phone->world->setting.suite};
	char name[32];
	enum sotto_err err;

	ASSERT(phone->off == 0 && phone->talk == NULL);
	store_name(phone, name);
	err = store_start(phone, name);
	if (err != SOTTO_OK) {
		if (!sim_disk_stopped(phone->disk) && err != SOTTO_ERR_DISK_FULL &&
		    err != SOTTO_ERR_IO)
			sim_break(phone->world, "a store opens after every stop", "phone %u: %s",
				  phone->number, sotto_err_text(err));
		store_stop(phone, true);
		boot_later(phone);
		return;
	}
	phone->boots++;
	phone->world->totals.boots++;
	err = talk_create(&config, &phone->talk);
	ASSERT(err == SOTTO_OK);
	err = talk_load(phone->talk, &phone->reader, sim_phone_now(phone));
	if (err == SOTTO_ERR_IO && phone->disk != NULL) {
		die(phone);
		return;
	}
	if (err != SOTTO_OK) {
		sim_break(phone->world, "an engine loads what it stored", "phone %u: %s",
			  phone->number, sotto_err_text(err));
		return;
	}
	sim_trace(phone->world, "%u starts", phone->number);
	phone->locked = false;
	phone->text_row = 0;
	link_wish(phone);
	sim_phone_unlock(phone);
}

void sim_phone_off(struct sim_phone *phone, uint32_t reason, bool power)
{
	phone->off |= reason;
	sim_clock_cancel(&phone->world->clock, &phone->boot);
	if (phone->talk == NULL)
		return;
	sim_trace(phone->world, "%u off", phone->number);
	engine_stop(phone);
	store_stop(phone, power);
	/* A machine that was off counts its time from anew. */
	phone->mono_base = SIM_SECOND;
	phone->mono_since = sim_world_now(phone->world);
}

void sim_phone_on(struct sim_phone *phone, uint32_t reason)
{
	phone->off &= ~reason;
	if (phone->off == 0 && phone->talk == NULL && phone->boot.place == 0)
		sim_world_at(phone->world, &phone->boot, sim_world_now(phone->world));
}

/* ---- Steps ---- */

/* As the programs do it: a link by an access key outlives a change of keys. */
static void link_review(struct sim_phone *phone)
{
	struct talk_link link;
	bool wants = talk_link(phone->talk, &link) == SOTTO_OK;
	bool up = sim_line_up(phone->line);

	if (wants && up && sim_line_kind(phone->line) == LINK_KEY_ACCESS &&
	    link.keys[0].kind == TALK_KEY_ACCESS)
		goto out;
	sim_line_close(phone->line, true);
	if (wants)
		sim_line_dial(phone->line, &link);
	if (up)
		sim_phone_settle(phone, talk_link_down(phone->talk, sim_phone_now(phone),
						       sim_phone_utc(phone)));
out:
	bytes_wipe(&link, sizeof(link));
}

static void requests_send(struct sim_phone *phone)
{
	struct talk_request request;

	while (talk_next_request(phone->talk, &request)) {
		if (request.cancel) {
			sim_line_cancel(phone->line, request.ticket);
			continue;
		}
		phone->world->totals.requests++;
		phone->requests++;
		sim_trace_bytes(phone->world, request.message);
		sim_check_request(phone, request.message);
		sim_line_request(phone->line, request.ticket, request.message);
	}
}

static void event_take(struct sim_phone *phone, const struct talk_event *event, bool *relink)
{
	sim_trace(phone->world, "%u event %d of %u", phone->number, (int)event->type,
		  event->extension);
	sim_check_event(phone, event);
	if (event->type == TALK_EVENT_LINK)
		*relink = true;
	if (event->type == TALK_EVENT_INVITED) {
		struct sim_phone *invited = sim_world_by_extension(phone->world, event->extension);

		ASSERT(invited != NULL && event->text.len < sizeof(invited->card));
		memcpy(invited->card, event->text.data, event->text.len);
		invited->card_len = event->text.len;
	}
}

static void timer_set(struct sim_phone *phone)
{
	uint64_t due_ns = talk_deadline(phone->talk);

	if (due_ns == TALK_NEVER)
		sim_clock_cancel(&phone->world->clock, &phone->timer);
	else
		sim_world_at(phone->world, &phone->timer, world_time(phone, due_ns));
}

void sim_phone_settle(struct sim_phone *phone, enum sotto_err err)
{
	struct sim_world *world = phone->world;
	struct talk_event event;
	bool relink = false;

	if (phone->talk == NULL)
		return;
	world->totals.steps++;
	if (talk_failed(phone->talk) != SOTTO_OK || err == SOTTO_ERR_NO_MEMORY) {
		enum sotto_err why = talk_failed(phone->talk);

		if (why != SOTTO_ERR_NO_MEMORY && why != SOTTO_OK)
			sim_break(world, "no step fails but for want of memory", "phone %u: %s",
				  phone->number, sotto_err_text(why));
		die(phone);
		return;
	}
	err = store_apply(&phone->writer, talk_batch(phone->talk));
	if (err == SOTTO_ERR_STATE && phone->locked)
		sim_break(world, "a locked phone writes ring tables only", "phone %u",
			  phone->number);
	if (err != SOTTO_OK) {
		die(phone);
		return;
	}
	talk_stored(phone->talk);
	sim_check_epochs(phone);
	requests_send(phone);
	while (talk_next_event(phone->talk, &event))
		event_take(phone, &event, &relink);
	if (relink)
		link_review(phone);
	if (phone->talk == NULL)
		return;
	if (!sim_line_wanted(phone->line))
		link_wish(phone);
	timer_set(phone);
	sim_check_step(phone);
}

static void timer_due(void *context)
{
	struct sim_phone *phone = context;

	phone->wakes++;
	sim_phone_settle(phone, talk_tick(phone->talk, sim_phone_now(phone), sim_phone_utc(phone)));
}

bool sim_phone_ready(const struct sim_phone *phone)
{
	struct talk_status status;

	if (phone->talk == NULL)
		return false;
	talk_status(phone->talk, &status);
	return status.state == TALK_MEMBER;
}

void sim_phone_lock(struct sim_phone *phone)
{
	if (phone->talk == NULL || phone->locked)
		return;
	phone->locked = true;
	if (phone->vault != NULL)
		vault_lock(phone->vault);
	else
		store_memory_lock(phone->memory, true);
	talk_lock(phone->talk);
}

void sim_phone_unlock(struct sim_phone *phone)
{
	struct talk *talk = phone->talk;
	bool more = true;

	if (talk == NULL)
		return;
	if (phone->locked && phone->vault != NULL &&
	    vault_unlock(phone->vault, PASSPHRASE) != SOTTO_OK) {
		die(phone);
		return;
	}
	if (phone->memory != NULL)
		store_memory_lock(phone->memory, false);
	phone->locked = false;
	while (more && phone->talk == talk) {
		enum sotto_err err = talk_unlock(talk, &phone->reader, sim_phone_now(phone),
						 sim_phone_utc(phone));

		/* The disk stopped below it. */
		if (err == SOTTO_ERR_IO && talk_failed(talk) == SOTTO_ERR_IO) {
			die(phone);
			return;
		}
		more = talk_batch(talk)->len > 0;
		sim_phone_settle(phone, err);
	}
}

/* ---- Its link ---- */

static void line_up(void *context, const uint8_t *exporter, int64_t clock_offset_ms)
{
	struct sim_phone *phone = context;

	sim_trace(phone->world, "%u link up", phone->number);
	phone->up_ns = sim_world_now(phone->world);
	sim_phone_settle(phone, talk_link_up(phone->talk, exporter, clock_offset_ms,
					     sim_phone_now(phone), sim_phone_utc(phone)));
}

static void line_down(void *context)
{
	struct sim_phone *phone = context;
	struct talk *talk = phone->talk;

	sim_trace(phone->world, "%u link down", phone->number);
	sim_phone_settle(phone, talk_link_down(talk, sim_phone_now(phone), sim_phone_utc(phone)));
	/* With the keys of now. */
	if (phone->talk == talk)
		link_wish(phone);
}

static void line_reply(void *context, uint64_t ticket, struct bytes message, bool last)
{
	struct sim_phone *phone = context;

	sim_phone_settle(phone, talk_reply(phone->talk, ticket, message, last, sim_phone_now(phone),
					   sim_phone_utc(phone)));
}

static void line_end(void *context, uint64_t ticket)
{
	struct sim_phone *phone = context;

	sim_phone_settle(phone,
			 talk_end(phone->talk, ticket, sim_phone_now(phone), sim_phone_utc(phone)));
}

static uint64_t line_utc(void *context)
{
	return sim_phone_utc(context);
}

void sim_phone_init(struct sim_world *world, uint32_t number, bool vault)
{
	struct sim_phone *phone = &world->phones[number];
	struct sim_line_events events = {line_up, line_down, line_reply, line_end, line_utc, phone};
	struct sim_random own, disk;
	char name[32];
	enum sotto_err err;

	phone->world = world;
	phone->number = phone->person = number;
	phone->off = SIM_OFF_NOT_YET;
	phone->mono_base = SIM_SECOND;
	phone->mono_since = sim_world_now(world);
	phone->fail_left = UINT64_MAX;
	phone->allocator = (struct allocator){allocate, give, phone};
	sim_random_fork(&world->random, UINT64_C(1000000) + number, &own);
	sim_random_fork(&own, RANDOM_ENGINE, &phone->random);
	sim_random_fork(&own, RANDOM_DISK, &disk);
	phone->source = sim_random_source(&phone->random);
	phone->boot = (struct sim_event){.run = boot, .context = phone};
	phone->timer = (struct sim_event){.run = timer_due, .context = phone};
	phone->line = sim_line_create(world->hub, number, &events);
	if (!vault) {
		err = store_memory_create(&allocator_default, &phone->memory);
		ASSERT(err == SOTTO_OK);
		return;
	}
	store_name(phone, name);
	err = sim_disk_create(&allocator_default, &disk, &phone->disk);
	ASSERT(err == SOTTO_OK);
	err = sim_vfs_create(&allocator_default, name, phone->disk, &phone->vfs);
	ASSERT(err == SOTTO_OK);
}

void sim_phone_finish(struct sim_phone *phone)
{
	talk_destroy(phone->talk);
	sim_line_destroy(phone->line);
	vault_close(phone->vault);
	sim_vfs_destroy(phone->vfs);
	sim_disk_destroy(phone->disk);
	store_memory_destroy(phone->memory);
}
