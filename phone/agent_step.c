/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step of the agent: what the engines want stored becomes durable, and only then does anything leave.
 *
 *	an input -> agent_commit: talk_batch -> vault_apply -> talk_stored
 *	later in the round -> step: requests to link -> events -> deadline
 *
 * If the vault cannot take a batch (a full disk), the engine is ahead of the disk and is thrown away: it
 * is loaded again from what is stored, after a while, and nothing of the failed step has left.
 */
#include "base/assert.h"
#include "os/clock.h"
#include "os/random.h"
#include "phone/agent.h"
#include "phone/log.h"

#define RELOAD_NS (AGENT_RELOAD_MS * OS_CLOCK_MS_NS)

enum sotto_err agent_start_engines(struct agent *agent)
{
	struct talk_config config = {
		.allocator = &allocator_default,
		.random = &os_random,
		.release = agent->release.known ? agent->release.hash : NULL,
	};
	struct store_reader reader = vault_reader(agent->vault);
	struct talk *talk = NULL;
	enum sotto_err err;

	ASSERT(agent->talk == NULL);
	TRY(talk_create(&config, &talk));
	TRY(talk_load(talk, &reader, os_clock_now_ns()));
	agent->talk = talk;
	talk = NULL;
	agent->reload_why = SOTTO_OK;
	agent_call_start(agent);
	agent_link_configure(agent);
	agent_pump(agent);
	/* If that cannot be stored, it is loaded once more, after a while. */
	if (agent_locked(agent))
		talk_lock(agent->talk);
	else
		agent_unlock_engines(agent);
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
static void begin_reload(struct agent *agent, enum sotto_err why)
{
	agent_stop_engines(agent);
	agent_link_configure(agent);
	agent->reload_why = why;
	phone_log("sotto-agent", "a step could not be stored: %s; loading again",
		  sotto_err_text(why));
	os_loop_set_timer(agent->loop, &agent->timer, os_clock_now_ns() + RELOAD_NS);
}

enum sotto_err agent_commit(struct agent *agent, enum sotto_err err)
{
	const struct store_batch *batch = talk_batch(agent->talk);
	enum sotto_err failed = talk_failed(agent->talk);

	if (failed == SOTTO_OK && batch->len > 0)
		failed = vault_apply(agent->vault, batch);
	if (failed != SOTTO_OK) {
		begin_reload(agent, failed);
		return failed;
	}
	talk_stored(agent->talk);
	agent_pump(agent);
	return err;
}

void agent_unlock_engines(struct agent *agent)
{
	struct store_reader reader = vault_reader(agent->vault);
	bool more = true;

	while (more && agent->talk != NULL) {
		enum sotto_err err =
			talk_unlock(agent->talk, &reader, os_clock_now_ns(), os_clock_utc_ms());

		more = err == SOTTO_OK && talk_batch(agent->talk)->len > 0;
		/* What went wrong is what talk_failed says: agent_commit loads again. */
		(void)!agent_commit(agent, err);
	}
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
	case TALK_EVENT_MESSAGE_CHANGED:
		command_messages_event(agent, event);
		break;
	case TALK_EVENT_STATE:
	case TALK_EVENT_MEMBERS:
		agent_call_members(agent);
		if (agent->talk != NULL)
			command_network_event(agent, event);
		if (agent->talk != NULL)
			command_device_event(agent, event);
		if (agent->talk != NULL)
			command_admin_event(agent, event);
		break;
	case TALK_EVENT_INVITED:
	case TALK_EVENT_ACT_FAILED:
	case TALK_EVENT_PROPOSAL:
		command_network_event(agent, event);
		command_device_event(agent, event);
		command_admin_event(agent, event);
		command_invite_event(agent, event);
		break;
	case TALK_EVENT_GROUP_FAILED:
		command_group_event(agent, event);
		break;
	case TALK_EVENT_DEVICE_ASKS:
	case TALK_EVENT_HAND:
		command_device_event(agent, event);
		break;
	}
}

static void send_requests(struct agent *agent)
{
	struct talk_request request;

	while (agent->talk != NULL && talk_next_request(agent->talk, &request)) {
		enum sotto_err err = SOTTO_OK;

		if (request.cancel)
			agent_link_cancel(agent, request.ticket);
		else
			err = agent_link_request(agent, request.ticket, request.message);
		if (err != SOTTO_OK)
			(void)!agent_commit(agent, talk_end(agent->talk, request.ticket,
							    os_clock_now_ns(), os_clock_utc_ms()));
	}
}

static void step(struct os_deferred *deferred)
{
	struct agent *agent = CONTAINER_OF(deferred, struct agent, step);
	struct talk_event event;

	if (agent->talk == NULL)
		return;
	send_requests(agent);
	while (agent->talk != NULL && talk_next_event(agent->talk, &event))
		handle_event(agent, &event);
	command_messages_settle(agent);
	if (agent->talk != NULL)
		command_group_look(agent);
	command_invite_settle(agent);
	if (agent->talk != NULL)
		agent_call_pump(agent);
	if (agent->talk != NULL)
		os_loop_set_timer(agent->loop, &agent->timer, talk_deadline(agent->talk));
}

void agent_pump(struct agent *agent)
{
	os_loop_defer(agent->loop, &agent->step);
}

static void timer_due(struct os_timer *timer, uint64_t now_ns)
{
	struct agent *agent = CONTAINER_OF(timer, struct agent, timer);

	if (agent->talk != NULL) {
		(void)!agent_commit(agent, talk_tick(agent->talk, now_ns, os_clock_utc_ms()));
	} else if (agent->reload_why != SOTTO_OK && agent->vault != NULL &&
		   agent_start_engines(agent) != SOTTO_OK) {
		os_loop_set_timer(agent->loop, timer, now_ns + RELOAD_NS);
	}
}

void agent_step_init(struct agent *agent)
{
	os_deferred_init(&agent->step, step);
	os_timer_init(&agent->timer, timer_due);
}
