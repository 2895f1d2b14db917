/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step of the agent: what the engines want stored becomes durable, and only then does anything leave.
 *
 *	talk_batch -> vault_apply -> talk_stored -> requests to link -> events -> deadline
 *
 * If the vault cannot take a batch (a full disk), the engine is ahead of the disk and is thrown away: it
 * is loaded again from what is stored, after a while, and nothing of the failed step has left.
 */
#include "base/assert.h"
#include "os/clock.h"
#include "os/random.h"
#include "phone/agent.h"

#define RELOAD_NS (AGENT_RELOAD_MS * OS_CLOCK_MS_NS)

enum sotto_err agent_start_engines(struct agent *agent)
{
	struct talk_config config = {.allocator = &allocator_default, .random = &os_random};
	struct store_reader reader = vault_reader(agent->vault);
	struct talk *talk = NULL;
	enum sotto_err err;

	ASSERT(agent->talk == NULL);
	TRY(talk_create(&config, &talk));
	TRY(talk_load(talk, &reader, os_clock_now_ns()));
	agent->talk = talk;
	talk = NULL;
	agent->reload_due = false;
	agent_call_start(agent);
	agent_link_configure(agent);
	agent_pump(agent);
out:
	talk_destroy(talk);
	return err;
}

void agent_stop_engines(struct agent *agent)
{
	agent_call_finish(agent);
	talk_destroy(agent->talk);
	agent->talk = NULL;
	os_loop_set_timer(agent->loop, &agent->timer, OS_NEVER);
}

/* The disk is full, or worse: start over from what it has. */
static void begin_reload(struct agent *agent)
{
	agent_stop_engines(agent);
	agent_link_configure(agent);
	agent->reload_due = true;
	os_loop_set_timer(agent->loop, &agent->timer, os_clock_now_ns() + RELOAD_NS);
}

static void handle_event(struct agent *agent, const struct talk_event *event)
{
	switch (event->type) {
	case TALK_EVENT_LINK:
		agent_link_configure(agent);
		break;
	case TALK_EVENT_CALL:
	case TALK_EVENT_EPOCH:
		agent_call_event(agent, event);
		break;
	case TALK_EVENT_MESSAGE:
	case TALK_EVENT_MESSAGE_STATE:
		command_messages_event(agent, event);
		break;
	case TALK_EVENT_STATE:
	case TALK_EVENT_INVITED:
	case TALK_EVENT_ACT_FAILED:
	case TALK_EVENT_MEMBERS:
		command_network_event(agent, event);
		break;
	}
}

/* False: the batch could not be stored, and the engines are gone. */
static bool store_batch_of(struct agent *agent)
{
	const struct store_batch *batch = talk_batch(agent->talk);

	if (batch->len > 0 && vault_apply(agent->vault, batch) != SOTTO_OK) {
		begin_reload(agent);
		return false;
	}
	talk_stored(agent->talk);
	return true;
}

static void send_requests(struct agent *agent)
{
	struct talk_request request;

	while (talk_next_request(agent->talk, &request)) {
		if (request.cancel)
			agent_link_cancel(agent, request.ticket);
		else if (agent_link_request(agent, request.ticket, request.message) != SOTTO_OK)
			(void)!talk_end(agent->talk, request.ticket, os_clock_now_ns(),
					os_clock_utc_ms());
	}
}

static void step(struct os_deferred *deferred)
{
	struct agent *agent = CONTAINER_OF(deferred, struct agent, step);
	struct talk_event event;
	uint64_t deadline_ns;

	if (agent->talk == NULL || !store_batch_of(agent))
		return;
	send_requests(agent);
	while (agent->talk != NULL && talk_batch(agent->talk)->len == 0 &&
	       talk_next_event(agent->talk, &event))
		handle_event(agent, &event);
	if (agent->talk == NULL)
		return;
	agent_call_pump(agent);
	if (talk_batch(agent->talk)->len > 0) {
		/* An event led to another step. */
		agent_pump(agent);
		return;
	}
	deadline_ns = talk_deadline(agent->talk);
	os_loop_set_timer(agent->loop, &agent->timer, deadline_ns);
}

void agent_pump(struct agent *agent)
{
	os_loop_defer(agent->loop, &agent->step);
}

static void timer_due(struct os_timer *timer, uint64_t now_ns)
{
	struct agent *agent = CONTAINER_OF(timer, struct agent, timer);

	if (agent->talk != NULL) {
		/* What a tick cannot do now it does at the next one. */
		(void)!talk_tick(agent->talk, now_ns, os_clock_utc_ms());
		agent_pump(agent);
	} else if (agent->reload_due && agent->vault != NULL &&
		   agent_start_engines(agent) != SOTTO_OK) {
		os_loop_set_timer(agent->loop, timer, now_ns + RELOAD_NS);
	}
}

void agent_step_init(struct agent *agent)
{
	os_deferred_init(&agent->step, step);
	os_timer_init(&agent->timer, timer_due);
}
