/* SPDX-License-Identifier: Apache-2.0 */
/* sotto call, answer, hangup: they block until the call ends and report what it was like. */
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "phone/agent.h"
#include "phone/agent_json.h"

#define FOR_SECONDS_MAX 86400

/* "mic" and "speaker" say which of the descriptors are which, in this order. */
static enum sotto_err take_files(struct agent_client *client, const json_t *arguments,
				 int *descriptors, size_t count)
{
	int *places[] = {&client->mic_fd, &client->speaker_fd};
	const char *const names[] = {"mic", "speaker"};
	size_t next = 0;

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		/* Of a command before on this connection. */
		os_descriptor_close(*places[i]);
		*places[i] = -1;
		if (!json_is_true(json_object_get(arguments, names[i])))
			continue;
		if (next >= count || descriptors[next] < 0)
			return SOTTO_ERR_ARGUMENT;
		*places[i] = descriptors[next];
		descriptors[next++] = -1;
	}
	return next == count ? SOTTO_OK : SOTTO_ERR_ARGUMENT;
}

static enum sotto_err take_limit(struct agent_client *client, const json_t *arguments)
{
	const json_t *seconds = json_object_get(arguments, "for");
	double value = json_number_value(seconds);

	client->for_ns = 0;
	if (seconds == NULL)
		return SOTTO_OK;
	if (!(value > 0) || value > FOR_SECONDS_MAX)
		return SOTTO_ERR_ARGUMENT;
	client->for_ns = (uint64_t)(value * 1e9);
	return SOTTO_OK;
}

/* What calling and answering want alike. False: the client was told what is wrong. */
static bool prepare(struct agent_client *client, const json_t *arguments, int *descriptors,
		    size_t descriptors_count)
{
	if (client->agent->call.engine == NULL || SOTTO_VOICE == 0) {
		agent_fail(client, SOTTO_ERR_UNSUPPORTED,
			   "this phone is text-only: it has no microphone");
		return false;
	}
	if (take_files(client, arguments, descriptors, descriptors_count) != SOTTO_OK ||
	    take_limit(client, arguments) != SOTTO_OK) {
		agent_fail(client, SOTTO_ERR_ARGUMENT,
			   "files and \"mic\", \"speaker\" do not agree, or \"for\" is no time");
		return false;
	}
	return true;
}

void command_call(struct agent_client *client, const json_t *arguments, int *descriptors,
		  size_t descriptors_count)
{
	uint32_t extension = agent_extension(arguments, "to");
	enum sotto_err err;

	if (!command_feature(client, LEDGER_FEATURE_CALLS, "calls") ||
	    !prepare(client, arguments, descriptors, descriptors_count))
		return;
	err = agent_call_dial(client->agent, client, extension);
	if (err == SOTTO_ERR_STATE)
		agent_fail(client, err, "a call is under way on this phone");
	else if (err == SOTTO_ERR_NOT_FOUND)
		agent_fail(client, err, "nobody has extension %u here", extension);
	else if (err == SOTTO_ERR_DENIED)
		agent_fail(client, err, "%u is revoked or not confirmed", extension);
	else if (err != SOTTO_OK)
		agent_fail(client, err, "cannot call %u: %s", extension, sotto_err_text(err));
	else
		agent_client_wait(client, AGENT_WAIT_CALL, 0);
}

/* The key press: of the user now, or of `answer --wait` in advance, for this one call. */
static void answer(struct agent_client *client)
{
	enum sotto_err err = agent_call_answer(client->agent, client);

	if (err == SOTTO_OK)
		agent_client_wait(client, AGENT_WAIT_CALL, 0);
	else
		agent_fail(client, err, "nothing rings here");
}

void command_answer(struct agent_client *client, const json_t *arguments, int *descriptors,
		    size_t descriptors_count)
{
	struct agent *agent = client->agent;

	if (!prepare(client, arguments, descriptors, descriptors_count))
		return;
	if (call_state_of(agent->call.engine) != CALL_RINGING &&
	    json_is_true(json_object_get(arguments, "wait")))
		agent_client_wait(client, AGENT_WAIT_RING, 0);
	else
		answer(client);
}

void command_hangup(struct agent_client *client, const json_t *arguments, int *descriptors,
		    size_t descriptors_count)
{
	struct agent *agent = client->agent;

	(void)arguments;
	(void)descriptors;
	(void)descriptors_count;
	if (agent_call_hang_up(agent) != SOTTO_OK)
		agent_fail(client, SOTTO_ERR_STATE, "there is no call");
	else
		agent_done(client, NULL);
}

void command_call_client_gone(struct agent_client *client)
{
	struct agent *agent = client->agent;

	if (agent->call.client != client)
		return;
	agent->call.client = NULL;
	/* Who ends the command ends the call, if it has not ended by itself. */
	(void)!agent_call_hang_up(agent);
}

static void answer_waiting(struct agent *agent)
{
	list_for_each (place, following, &agent->clients) {
		struct agent_client *client = CONTAINER_OF(place, struct agent_client, place);

		if (client->wait != AGENT_WAIT_RING)
			continue;
		answer(client);
		return;
	}
}

void command_call_changed(struct agent *agent, enum call_state state)
{
	struct agent_call *call = &agent->call;

	if (call->client != NULL && state != CALL_IDLE && state != CALL_TAIL)
		agent_item(call->client,
			   json_pack("{s:s,s:o}", "state", call_state_name(state), "peer",
				     agent_json_extension(agent, call->extension)));
	if (state == CALL_RINGING)
		answer_waiting(agent);
}

/* What was not measured, or never happened, is null: the fields of a report are always the same. */
static json_t *number(bool known, uint64_t value)
{
	return known ? json_integer((json_int_t)value) : json_null();
}

static bool between_ms(uint64_t from_ns, uint64_t to_ns, uint64_t *ms)
{
	*ms = to_ns > from_ns ? (to_ns - from_ns) / OS_CLOCK_MS_NS : 0;
	return from_ns != 0 && to_ns != 0;
}

#define PART_UNKNOWN UINT32_MAX /* as the voice process says it */

static void add_delay(json_t *object, const struct agent_call *call)
{
	const struct wire_voice_report *report = &call->report;
	/* To the nearest, but what decoding takes is never shown as nothing. */
	const struct {
		const char *name;
		bool known;
		uint64_t ms;
	} parts[] = {
		{"capture", report->capture_ms != PART_UNKNOWN, report->capture_ms},
		{"encode", true, report->encode_ms},
		{"network", report->round_trip_us != 0, (report->round_trip_us + 1000) / 2000},
		{"jitter_buffer", report->jitter_buffer_ms != PART_UNKNOWN,
		 report->jitter_buffer_ms},
		{"decode", report->decode_us != 0, (report->decode_us + 999) / 1000},
		{"playout", report->playout_ms != PART_UNKNOWN, report->playout_ms},
	};
	json_t *shown = json_object();
	bool all_known = true;
	uint64_t sum = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		bool known = call->reported && parts[i].known;

		json_object_set_new(shown, parts[i].name, number(known, parts[i].ms));
		all_known = all_known && known;
		sum += parts[i].ms;
	}
	json_object_set_new(object, "mouth_to_ear_ms", number(all_known, sum));
	json_object_set_new(object, "mouth_to_ear_parts", shown);
}

static void add_times(json_t *object, const struct agent_call *call)
{
	const struct call_times *times = &call->times;
	uint64_t first_ns = call->reported ? call->report.first_sound_ns : 0;
	uint64_t ms;
	bool known;

	known = between_ms(times->pressed_ns, times->ringing_ns, &ms);
	json_object_set_new(object, "setup_ms", number(call->outgoing && known, ms));
	known = between_ms(times->answered_ns, first_ns, &ms);
	json_object_set_new(object, "answer_ms", number(known, ms));
	known = between_ms(times->answered_ns, times->ended_ns, &ms);
	json_object_set_new(object, "duration_s",
			    known ? json_real((double)ms / 1000.0) : json_null());
	json_object_set_new(object, "verified", json_boolean(call->verified));
}

static void add_report(json_t *object, const struct agent_call *call)
{
	const struct wire_voice_report *report = &call->report;
	bool known = call->reported;
	bool heard = known && report->packets_received > 0;

	json_object_set_new(object, "packets_sent", number(known, report->packets_sent));
	json_object_set_new(object, "packets_received", number(known, report->packets_received));
	json_object_set_new(object, "packets_lost", number(known, report->packets_lost));
	json_object_set_new(object, "packets_refused", number(known, report->packets_refused));
	json_object_set_new(object, "concealed_ms", number(known, report->concealed_ms));
	json_object_set_new(object, "late_ms_p99", number(heard, report->late_ms_p99));
	add_delay(object, call);
}

void command_call_ended(struct agent *agent)
{
	struct agent_call *call = &agent->call;
	struct agent_client *client = call->client;
	json_t *object;

	call->client = NULL;
	if (client == NULL)
		return;
	object = json_pack("{s:o,s:s}", "peer", agent_json_extension(agent, call->extension),
			   "reason", call_reason_name(call->reason));
	if (object != NULL) {
		add_times(object, call);
		add_report(object, call);
	}
	agent_done(client, object);
}
