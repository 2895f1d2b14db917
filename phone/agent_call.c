/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls in the agent: feeds the engine with key presses and call messages, and does what it says. The
 * microphone is asked for in one place, CALL_OUT_VOICE_PREPARE, which only call_dial and call_answer make.
 */
#include <string.h>

#include "base/assert.h"
#include "base/reader.h"
#include "base/writer.h"
#include "os/clock.h"
#include "os/random.h"
#include "phone/agent.h"

#define RETRY_NS (100 * OS_CLOCK_MS_NS)
#define REPORT_NS \
	(900 * OS_CLOCK_MS_NS) /* less than CALL_TAIL_MIN_MS: the engine still knows the call */
#define DIALLING_NS (CALL_REACH_MS * OS_CLOCK_MS_NS)

/* The engine names conversations by 32 bytes; one to one, the other's extension says it all. */
static void conversation_of(uint32_t extension, uint8_t conversation[CALL_CONVERSATION_LEN])
{
	struct writer writer;

	memset(conversation, 0, CALL_CONVERSATION_LEN);
	writer_init_fixed(&writer, conversation, CALL_CONVERSATION_LEN);
	writer_put_u32(&writer, extension);
}

static uint32_t extension_of(const uint8_t conversation[CALL_CONVERSATION_LEN])
{
	struct reader reader;

	reader_init(&reader, BYTES(conversation, CALL_CONVERSATION_LEN));
	return reader_get_u32(&reader);
}

/* The exporter of the present epoch for this call. Wipe it. */
static enum sotto_err epoch_for(const struct agent *agent, uint32_t extension, const uint8_t *id,
				struct call_epoch *epoch)
{
	enum sotto_err err;

	TRY(talk_call_epoch(agent->talk, extension, &epoch->number));
	TRY(talk_call_export(agent->talk, extension, CALL_EXPORTER_LABEL, BYTES(id, CALL_ID_LEN),
			     epoch->exporter, sizeof(epoch->exporter)));
out:
	return err;
}

static enum sotto_err dial_now(struct agent *agent)
{
	struct agent_call *call = &agent->call;
	uint8_t conversation[CALL_CONVERSATION_LEN];
	struct call_epoch epoch;
	uint8_t id[CALL_ID_LEN];
	enum sotto_err err;

	conversation_of(call->extension, conversation);
	TRY(random_fill(&os_random, id, sizeof(id)));
	TRY(epoch_for(agent, call->extension, id, &epoch));
	TRY(call_dial(call->engine, id, conversation, &epoch, os_clock_now_ns()));
	call->dialling = false;
out:
	bytes_wipe(&epoch, sizeof(epoch));
	return err;
}

/* Its report came, or is not waited for any more. */
static void close_over(struct agent *agent)
{
	struct agent_call *call = &agent->call;

	if (!call->over)
		return;
	call->over = false;
	os_loop_set_timer(agent->loop, &call->report_timer, OS_NEVER);
	agent_voice_close(agent);
	command_call_ended(agent);
}

enum sotto_err agent_call_dial(struct agent *agent, struct agent_client *client, uint32_t extension)
{
	struct agent_call *call = &agent->call;
	enum call_state state = call_state_of(call->engine);
	enum sotto_err err;

	/* Nobody waits for the report of the call before. */
	if (call->client == NULL)
		close_over(agent);
	/* Both pressed call, and the other one was first: this key press answers. */
	if (state == CALL_RINGING && call->extension == extension)
		return agent_call_answer(agent, client);
	if (call->client != NULL || call->dialling || call->over ||
	    (state != CALL_IDLE && state != CALL_TAIL))
		return SOTTO_ERR_STATE;
	call->extension = extension;
	call->reported = false;
	err = dial_now(agent);
	if (err == SOTTO_ERR_NOT_FOUND) {
		err = agent_commit(agent, talk_open(agent->talk, extension, os_clock_now_ns(),
						    os_clock_utc_ms()));
		call->dialling = err == SOTTO_OK;
		call->dialling_until_ns = os_clock_now_ns() + DIALLING_NS;
	}
	if (err == SOTTO_OK)
		call->client = client;
	agent_pump(agent);
	return err;
}

enum sotto_err agent_call_answer(struct agent *agent, struct agent_client *client)
{
	struct agent_call *call = &agent->call;
	enum sotto_err err;

	if (call->client != NULL)
		return SOTTO_ERR_STATE;
	/* The engine asks for the voice process, which wants the client's files. */
	call->client = client;
	err = call_answer(call->engine, os_clock_now_ns());
	if (err != SOTTO_OK)
		call->client = NULL;
	agent_pump(agent);
	return err;
}

static void send_message(struct agent *agent, const struct call_output *output)
{
	uint8_t data[CALL_MESSAGE_LEN_MAX];
	size_t len = call_message_encode(&output->message, data);

	agent_unsent_keep(agent, extension_of(output->conversation), BYTES(data, len));
	bytes_wipe(data, sizeof(data));
	agent_unsent_send(agent);
}

/* What its client will be told is kept: the engine may be in the next call by then. */
static void ended(struct agent *agent, enum call_reason reason, const struct call_times *times)
{
	struct agent_call *call = &agent->call;

	call->reason = reason;
	call->times = *times;
	call->outgoing = call_is_outgoing(call->engine);
	call->verified = call_is_verified(call->engine);
	call->over = true;
	os_loop_set_timer(agent->loop, &call->limit_timer, OS_NEVER);
	/* The voice process still has its report to give. */
	os_loop_set_timer(agent->loop, &call->report_timer,
			  call->voice != NULL ? os_clock_now_ns() + REPORT_NS : 0);
}

/* Nobody is dialled any more: no conversation with that person came about, or something else came first. */
static void stop_dialling(struct agent *agent, enum call_reason reason)
{
	const struct call_times never = {0};

	agent->call.dialling = false;
	ended(agent, reason, &never);
}

/* A call comes while the one before it is being reported, or while another one is only being prepared. */
static void begin_ring(struct agent *agent, const struct call_output *output)
{
	if (agent->call.dialling)
		stop_dialling(agent, CALL_REASON_CANCELLED);
	close_over(agent);
	agent->call.extension = extension_of(output->conversation);
	agent->call.reported = false;
	agent_voice_launch(agent, PHONE_PROCESS_RINGER);
}

static void changed(struct agent *agent, enum call_state state)
{
	struct agent_call *call = &agent->call;

	if (state == CALL_ACTIVE && call->client != NULL && call->client->for_ns != 0)
		os_loop_set_timer(agent->loop, &call->limit_timer,
				  os_clock_now_ns() + call->client->for_ns);
	command_call_changed(agent, state);
}

static void handle(struct agent *agent, const struct call_output *output)
{
	switch (output->type) {
	case CALL_OUT_SEND:
		send_message(agent, output);
		break;
	case CALL_OUT_ROOM_JOIN:
		agent_room_join(agent, &output->keys);
		break;
	case CALL_OUT_ROOM_LEAVE:
		agent_room_leave(agent, output->keys.epoch);
		break;
	case CALL_OUT_BEAT_START:
	case CALL_OUT_BEAT_STOP:
		agent_room_beat(agent, output->type == CALL_OUT_BEAT_START);
		break;
	case CALL_OUT_RING_START:
		begin_ring(agent, output);
		break;
	case CALL_OUT_VOICE_PREPARE:
		agent->call.reported = false;
		agent_voice_launch(agent, PHONE_PROCESS_VOICE);
		break;
	case CALL_OUT_RING_STOP:
	case CALL_OUT_VOICE_START:
	case CALL_OUT_VOICE_KEYS:
	case CALL_OUT_VOICE_SWITCH:
	case CALL_OUT_VOICE_DROP:
	case CALL_OUT_VOICE_SENDER:
	case CALL_OUT_VOICE_STOP:
		agent_voice_output(agent, output);
		break;
	case CALL_OUT_CHANGED:
		changed(agent, output->state);
		break;
	case CALL_OUT_ENDED:
		ended(agent, output->reason, call_times_of(agent->call.engine));
		break;
	}
}

void agent_call_pump(struct agent *agent)
{
	struct agent_call *call = &agent->call;
	struct call_output output;
	uint64_t next_ns;

	if (call->engine == NULL || agent->talk == NULL)
		return;
	if (call->dialling && dial_now(agent) != SOTTO_OK &&
	    os_clock_now_ns() >= call->dialling_until_ns)
		stop_dialling(agent, CALL_REASON_UNREACHABLE);
	agent_unsent_send(agent);
	while (agent->talk != NULL && call_next_output(call->engine, &output)) {
		handle(agent, &output);
		bytes_wipe(&output, sizeof(output));
	}
	if (agent->talk == NULL)
		return;
	talk_calling(agent->talk, call->dialling || call_state_of(call->engine) != CALL_IDLE);
	next_ns = call_deadline(call->engine);
	if ((call->unsent_count > 0 || call->dialling) && os_clock_now_ns() + RETRY_NS < next_ns)
		next_ns = os_clock_now_ns() + RETRY_NS;
	os_loop_set_timer(agent->loop, &call->timer, next_ns);
}

/* An invitation that nobody is dialled for any more must not start a ring: its age decides. */
static uint64_t age_of(uint64_t sent_ms)
{
	uint64_t utc_ms = os_clock_utc_ms();

	return utc_ms > sent_ms ? utc_ms - sent_ms : sent_ms - utc_ms;
}

static void message_came(struct agent *agent, const struct talk_event *event)
{
	struct call_message message;
	struct call_epoch epoch;
	struct call_arrival arrival = {.message = &message};
	enum sotto_err err;

	/* What a later release says, or nonsense of a member: nothing to do about either. */
	TRY(call_message_decode(event->text, &message));
	conversation_of(event->extension, arrival.conversation);
	memcpy(arrival.device, event->device_key, sizeof(arrival.device));
	arrival.own = event->own;
	arrival.further = event->further;
	arrival.age_ms = age_of(event->sent_ms);
	if (message.type == CALL_MESSAGE_INVITE) {
		TRY(epoch_for(agent, event->extension, message.id, &epoch));
		arrival.epoch = &epoch;
	}
	/* Without randomness it does not ring; the caller will say so. */
	TRY(call_receive(agent->call.engine, &arrival, os_clock_now_ns()));
out:
	bytes_wipe(&epoch, sizeof(epoch));
	bytes_wipe(&message, sizeof(message));
	(void)err;
}

static void epoch_came(struct agent *agent, const struct talk_event *event)
{
	struct agent_call *call = &agent->call;
	struct call_epoch epoch;

	if (event->extension != call->extension || call_state_of(call->engine) == CALL_IDLE)
		return;
	if (epoch_for(agent, event->extension, call_id_of(call->engine), &epoch) == SOTTO_OK)
		call_epoch_changed(call->engine, &epoch, event->removed, os_clock_now_ns());
	else if (event->removed)
		/* Nobody is left in the conversation: the old keys and rooms are not to be used any more. */
		call_cut(call->engine, CALL_REASON_REVOKED, os_clock_now_ns());
	bytes_wipe(&epoch, sizeof(epoch));
}

/* May the other end of the call still be spoken to, as the ledger stands? Before the answer it is a person. */
static bool peer_allowed(const struct agent *agent)
{
	const struct ledger *ledger = talk_ledger(agent->talk);
	struct bytes device = call_peer_device(agent->call.engine);
	const struct ledger_member *member;

	if (device.len > 0)
		return ledger_allows_leaf(ledger, device.data, true);
	member = ledger_member_by_extension(ledger, agent->call.extension);
	return member != NULL && member->state == LEDGER_MEMBER_ACTIVE;
}

void agent_call_members(struct agent *agent)
{
	struct agent_call *call = &agent->call;
	enum call_reason reason = CALL_REASON_REVOKED;
	struct talk_status status;

	if (call->engine == NULL || (!call->dialling && call_state_of(call->engine) == CALL_IDLE))
		return;
	talk_status(agent->talk, &status);
	if (status.state == TALK_COPIED)
		reason = CALL_REASON_BROKEN;
	else if (status.state == TALK_MEMBER && peer_allowed(agent))
		return;
	if (call->dialling)
		stop_dialling(agent, reason);
	else
		call_cut(call->engine, reason, os_clock_now_ns());
	agent_call_pump(agent);
}

void agent_call_event(struct agent *agent, const struct talk_event *event)
{
	if (agent->call.engine == NULL)
		return;
	if (event->type == TALK_EVENT_CALL)
		message_came(agent, event);
	else
		epoch_came(agent, event);
	/* Not later in this round: many may come in one, and the engine's outputs are a bounded queue. */
	agent_call_pump(agent);
}

enum sotto_err agent_call_hang_up(struct agent *agent)
{
	struct agent_call *call = &agent->call;
	enum sotto_err err = SOTTO_OK;

	if (call->engine == NULL)
		return SOTTO_ERR_STATE;
	if (call->dialling)
		stop_dialling(agent, CALL_REASON_CANCELLED);
	else
		err = call_hang_up(call->engine, os_clock_now_ns());
	agent_pump(agent);
	return err;
}

static void timer_due(struct os_timer *timer, uint64_t now_ns)
{
	struct agent *agent = CONTAINER_OF(timer, struct agent, call.timer);

	if (agent->call.engine == NULL)
		return;
	call_handle_deadline(agent->call.engine, now_ns);
	agent_pump(agent);
}

static void limit_due(struct os_timer *timer, uint64_t now_ns)
{
	struct agent *agent = CONTAINER_OF(timer, struct agent, call.limit_timer);

	(void)now_ns;
	/* It may have ended in this very moment. */
	(void)!agent_call_hang_up(agent);
}

static void report_due(struct os_timer *timer, uint64_t now_ns)
{
	(void)now_ns;
	close_over(CONTAINER_OF(timer, struct agent, call.report_timer));
}

enum sotto_err agent_call_init(struct agent *agent)
{
	struct agent_call *call = &agent->call;

	os_timer_init(&call->timer, timer_due);
	os_timer_init(&call->limit_timer, limit_due);
	os_timer_init(&call->report_timer, report_due);
	return SOTTO_OK;
}

void agent_call_start(struct agent *agent)
{
	/* Without memory for it there are no calls, and `sotto call` says so. */
	if (call_create(&os_random, SOTTO_VOICE != 0, &agent->call.engine) != SOTTO_OK)
		agent->call.engine = NULL;
}

void agent_call_finish(struct agent *agent)
{
	struct agent_call *call = &agent->call;

	if (call->engine == NULL)
		return;
	agent_voice_close(agent);
	agent_room_beat(agent, false);
	if (call->dialling) {
		stop_dialling(agent, CALL_REASON_BROKEN);
	} else if (!call->over) {
		call->reason = CALL_REASON_BROKEN;
		call->times = *call_times_of(call->engine);
		call->outgoing = call_is_outgoing(call->engine);
		call->verified = false;
	}
	call_destroy(call->engine);
	call->engine = NULL;
	bytes_wipe(call->unsent, sizeof(call->unsent));
	call->unsent_count = 0;
	memset(call->rooms, 0, sizeof(call->rooms));
	command_call_ended(agent);
	call->over = false;
	os_loop_set_timer(agent->loop, &call->timer, OS_NEVER);
	os_loop_set_timer(agent->loop, &call->limit_timer, OS_NEVER);
	os_loop_set_timer(agent->loop, &call->report_timer, OS_NEVER);
}
