/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's side of the voice process and the ringer: asks the launcher for them, hands over keys and
 * files, takes reports.
 */
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "phone/agent.h"

void agent_voice_launch(struct agent *agent, enum phone_process which)
{
	struct wire_launch launch = {.process = (uint8_t)which};

	if (which == PHONE_PROCESS_RINGER)
		agent->call.ringing = true;
	agent_tell(agent->launcher, &wire_launch_type, &launch, NULL, 0);
}

static void take_report(struct agent *agent, const struct wire_voice_report *report)
{
	struct agent_call *call = &agent->call;

	call->report = *report;
	call->reported = true;
	if (call->engine != NULL && report->first_sound_ns != 0) {
		call_media_seen(call->engine, report->first_sound_ns);
		call_media_seen(call->engine, report->last_sound_ns);
	}
	if (report->last != 0 && call->over)
		os_loop_set_timer(agent->loop, &call->report_timer, 0);
}

static void take_prepared(struct agent *agent, const struct wire_voice_prepared *prepared)
{
	struct agent_call *call = &agent->call;
	size_t len = prepared->words.len < sizeof(call->voice_sandbox)
			     ? prepared->words.len
			     : sizeof(call->voice_sandbox) - 1;

	memcpy(call->voice_sandbox, prepared->words.data, len);
	call->voice_sandbox[len] = '\0';
	if (call->engine == NULL)
		return;
	if (prepared->failed != 0)
		call_voice_gone(call->engine, os_clock_now_ns());
	else
		call_voice_ready(call->engine);
}

static void voice_said(void *context, struct os_ipc *ipc, struct bytes message, int *descriptors,
		       size_t descriptors_count)
{
	struct agent *agent = context;
	struct wire_voice_prepared prepared;
	struct wire_voice_checked checked;
	struct wire_voice_report report;

	(void)ipc;
	(void)descriptors;
	(void)descriptors_count;
	if (wire_voice_report_decode(message, &report) == SOTTO_OK)
		take_report(agent, &report);
	else if (wire_voice_prepared_decode(message, &prepared) == SOTTO_OK)
		take_prepared(agent, &prepared);
	else if (wire_voice_checked_decode(message, &checked) == SOTTO_OK &&
		 agent->call.engine != NULL)
		call_checked(agent->call.engine, checked.equal != 0);
	agent_pump(agent);
}

/* It has nothing to say: what an arriving call may start must not speak for the call. */
static void ringer_said(void *context, struct os_ipc *ipc, struct bytes message, int *descriptors,
			size_t descriptors_count)
{
	(void)context;
	(void)ipc;
	(void)message;
	(void)descriptors;
	(void)descriptors_count;
}

static void voice_closed(void *context, struct os_ipc *ipc)
{
	struct agent *agent = context;

	(void)ipc;
	agent_voice_gone(agent, PHONE_PROCESS_VOICE);
}

static void ringer_closed(void *context, struct os_ipc *ipc)
{
	struct agent *agent = context;

	(void)ipc;
	agent_voice_gone(agent, PHONE_PROCESS_RINGER);
}

/* The client's files go to the voice process, whose sandbox then opens nothing. */
static void prepare_voice(struct agent *agent)
{
	struct wire_voice_prepare prepare = {.mic_file = 0, .speaker_file = 0};
	struct agent_client *client = agent->call.client;
	int descriptors[2];
	size_t count = 0;

	if (client != NULL && client->mic_fd >= 0) {
		prepare.mic_file = 1;
		descriptors[count++] = client->mic_fd;
	}
	if (client != NULL && client->speaker_fd >= 0) {
		prepare.speaker_file = 1;
		descriptors[count++] = client->speaker_fd;
	}
	agent_tell(agent->call.voice, &wire_voice_prepare_type, &prepare, descriptors, count);
}

static void attach_voice(struct agent *agent, int *descriptors, size_t count)
{
	struct os_ipc_handler handler = {
		.received = voice_said, .gone = voice_closed, .context = agent};
	struct wire_link_media media = {0};
	enum call_state state =
		agent->call.engine != NULL ? call_state_of(agent->call.engine) : CALL_IDLE;

	/* The call may be over before the process runs, or have one already; it then ends with its channel. */
	if (count < 2 || agent->call.voice != NULL || state == CALL_IDLE || state == CALL_TAIL ||
	    state == CALL_RINGING)
		return;
	if (os_ipc_create(agent->loop, descriptors[0], &handler, &agent->call.voice) != SOTTO_OK) {
		agent->call.voice = NULL;
		return;
	}
	descriptors[0] = -1;
	agent_tell(agent->link, &wire_link_media_type, &media, &descriptors[1], 1);
	prepare_voice(agent);
}

static void attach_ringer(struct agent *agent, int *descriptors, size_t count)
{
	struct os_ipc_handler handler = {
		.received = ringer_said, .gone = ringer_closed, .context = agent};
	struct wire_ring_start start = {0};

	if (count < 1 || !agent->call.ringing)
		return;
	/* One of before that has stopped, but not ended. */
	os_ipc_destroy(agent->call.ringer);
	if (os_ipc_create(agent->loop, descriptors[0], &handler, &agent->call.ringer) != SOTTO_OK) {
		agent->call.ringer = NULL;
		return;
	}
	descriptors[0] = -1;
	agent_tell(agent->call.ringer, &wire_ring_start_type, &start, NULL, 0);
}

void agent_voice_launched(struct agent *agent, enum phone_process which, int *descriptors,
			  size_t count)
{
	if (which == PHONE_PROCESS_VOICE)
		attach_voice(agent, descriptors, count);
	else if (which == PHONE_PROCESS_RINGER)
		attach_ringer(agent, descriptors, count);
}

void agent_voice_gone(struct agent *agent, enum phone_process which)
{
	struct agent_call *call = &agent->call;

	if (which == PHONE_PROCESS_RINGER) {
		os_ipc_destroy(call->ringer);
		call->ringer = NULL;
		return;
	}
	if (which != PHONE_PROCESS_VOICE)
		return;
	os_ipc_destroy(call->voice);
	call->voice = NULL;
	if (call->over)
		os_loop_set_timer(agent->loop, &call->report_timer, 0);
	else if (call->engine != NULL)
		call_voice_gone(call->engine, os_clock_now_ns());
	agent_pump(agent);
}

static void check_of(const struct agent *agent, const struct call_keys *keys,
		     uint8_t check[CALL_CHECK_LEN])
{
	const struct ledger *ledger = talk_ledger(agent->talk);

	/* Policy is part of the ledger, so its head stands for both until policies can differ. */
	call_keys_check(keys, BYTES(ledger_head(ledger, ledger_length(ledger)), LEDGER_HASH_LEN),
			BYTES_NONE, check);
}

static void start(struct agent *agent, const struct call_output *output)
{
	struct wire_voice_start message = {
		.epoch = output->keys.epoch,
		.kid = output->kid,
		.room = agent_room_index(agent, output->keys.epoch),
		.payload_len = AGENT_CALL_PAYLOAD_LEN,
		.phase_ns = agent->call.phase_ns,
	};

	memcpy(message.base_key, output->keys.base_key, sizeof(message.base_key));
	check_of(agent, &output->keys, message.check);
	agent_tell(agent->call.voice, &wire_voice_start_type, &message, NULL, 0);
	bytes_wipe(&message, sizeof(message));
}

static void add_keys(struct agent *agent, const struct call_output *output)
{
	struct wire_voice_keys message = {.epoch = output->keys.epoch};

	memcpy(message.base_key, output->keys.base_key, sizeof(message.base_key));
	check_of(agent, &output->keys, message.check);
	agent_tell(agent->call.voice, &wire_voice_keys_type, &message, NULL, 0);
	bytes_wipe(&message, sizeof(message));
}

static void stop_ringer(struct agent *agent)
{
	struct wire_ring_stop stop = {0};

	agent->call.ringing = false;
	agent_tell(agent->call.ringer, &wire_ring_stop_type, &stop, NULL, 0);
}

void agent_voice_output(struct agent *agent, const struct call_output *output)
{
	struct wire_voice_switch to = {.epoch = output->keys.epoch};
	struct wire_voice_drop drop = {.epoch = output->keys.epoch};
	struct wire_voice_stop stop = {0};
	struct wire_voice_sender sender = {
		.kid = output->kid,
		.slot = output->slot,
		.slot_known = output->slot_known,
	};
	struct os_ipc *voice = agent->call.voice;

	if (output->type == CALL_OUT_RING_STOP)
		stop_ringer(agent);
	else if (output->type == CALL_OUT_VOICE_START)
		start(agent, output);
	else if (output->type == CALL_OUT_VOICE_KEYS)
		add_keys(agent, output);
	else if (output->type == CALL_OUT_VOICE_SWITCH)
		agent_tell(voice, &wire_voice_switch_type, &to, NULL, 0);
	else if (output->type == CALL_OUT_VOICE_DROP)
		agent_tell(voice, &wire_voice_drop_type, &drop, NULL, 0);
	else if (output->type == CALL_OUT_VOICE_SENDER)
		agent_tell(voice, &wire_voice_sender_type, &sender, NULL, 0);
	else if (output->type == CALL_OUT_VOICE_STOP)
		agent_tell(voice, &wire_voice_stop_type, &stop, NULL, 0);
}

void agent_voice_close(struct agent *agent)
{
	/* Both end when their channel does. */
	os_ipc_destroy(agent->call.voice);
	os_ipc_destroy(agent->call.ringer);
	agent->call.voice = NULL;
	agent->call.ringer = NULL;
	agent->call.ringing = false;
}
