/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms of a call at the relay, one for each epoch, and the beat that keeps the newest one busy. */
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "phone/agent.h"

#define NO_ROOM 255

static struct agent_room *room_of(struct agent *agent, uint64_t epoch)
{
	for (size_t i = 0; i < ARRAY_LEN(agent->call.rooms); i++) {
		if (agent->call.rooms[i].used && agent->call.rooms[i].epoch == epoch)
			return &agent->call.rooms[i];
	}
	return NULL;
}

uint8_t agent_room_index(const struct agent *agent, uint64_t epoch)
{
	for (size_t i = 0; i < ARRAY_LEN(agent->call.rooms); i++) {
		const struct agent_room *room = &agent->call.rooms[i];

		if (room->used && room->joined && room->epoch == epoch)
			return room->room;
	}
	return NO_ROOM;
}

static void request(struct agent *agent, const struct wire_type *type, const void *message,
		    uint64_t *ticket)
{
	struct writer writer;

	*ticket = agent->next_ticket++;
	writer_init_growing(&writer, &allocator_default);
	/* Not up: the engine joins again when it is. */
	if (wire_encode(type, message, &writer) == SOTTO_OK)
		(void)!agent_link_request(agent, *ticket, writer_bytes(&writer));
	writer_release(&writer);
}

void agent_room_join(struct agent *agent, const struct call_keys *keys)
{
	struct agent_room *room = room_of(agent, keys->epoch);
	struct wire_room_join join;

	for (size_t i = 0; room == NULL && i < ARRAY_LEN(agent->call.rooms); i++) {
		if (!agent->call.rooms[i].used)
			room = &agent->call.rooms[i];
	}
	/* The engine holds at most as many epochs as there are places. */
	ASSERT(room != NULL);
	*room = (struct agent_room){.used = true, .epoch = keys->epoch};
	memcpy(join.room_token, keys->room_token, sizeof(join.room_token));
	request(agent, &wire_room_join_type, &join, &room->ticket);
	bytes_wipe(&join, sizeof(join));
}

void agent_room_leave(struct agent *agent, uint64_t epoch)
{
	struct agent_room *room = room_of(agent, epoch);
	struct wire_room_leave leave;
	uint64_t ticket;

	if (room == NULL)
		return;
	leave.room = room->room;
	if (room->joined)
		request(agent, &wire_room_leave_type, &leave, &ticket);
	memset(room, 0, sizeof(*room));
}

static void tell_voice(struct agent *agent, const struct agent_room *room)
{
	struct wire_voice_room told = {
		.epoch = room->epoch,
		.room = room->joined ? room->room : NO_ROOM,
	};

	agent_tell(agent->call.voice, &wire_voice_room_type, &told, NULL, 0);
}

void agent_room_link(struct agent *agent, bool up)
{
	if (agent->call.engine == NULL)
		return;
	for (size_t i = 0; !up && i < ARRAY_LEN(agent->call.rooms); i++) {
		agent->call.rooms[i].joined = false;
		if (agent->call.rooms[i].used)
			tell_voice(agent, &agent->call.rooms[i]);
	}
	if (!up)
		return;
	call_link_up(agent->call.engine);
	agent_call_pump(agent);
}

/* The beat follows the newest epoch: the older room is left soon. */
static bool is_newest(const struct agent *agent, const struct agent_room *room)
{
	for (size_t i = 0; i < ARRAY_LEN(agent->call.rooms); i++) {
		if (agent->call.rooms[i].used && agent->call.rooms[i].epoch > room->epoch)
			return false;
	}
	return true;
}

static void start_beat(struct agent *agent, uint8_t room)
{
	struct wire_beat_start start = {
		.room = room,
		.payload_len = AGENT_CALL_PAYLOAD_LEN,
		.phase_ns = agent->call.phase_ns,
	};

	agent_tell(agent->link, &wire_beat_start_type, &start, NULL, 0);
}

void agent_room_reply(struct agent *agent, uint64_t ticket, struct bytes message, bool last)
{
	struct wire_room_joined joined;

	(void)last;
	if (agent->call.engine == NULL || wire_room_joined_decode(message, &joined) != SOTTO_OK)
		return;
	for (size_t i = 0; i < ARRAY_LEN(agent->call.rooms); i++) {
		struct agent_room *room = &agent->call.rooms[i];

		if (!room->used || room->joined || room->ticket != ticket)
			continue;
		room->joined = true;
		room->room = joined.room;
		if (agent->call.beating && is_newest(agent, room))
			start_beat(agent, room->room);
		tell_voice(agent, room);
		call_room_joined(agent->call.engine, room->epoch, joined.slot);
		agent_call_pump(agent);
		return;
	}
}

void agent_room_beat(struct agent *agent, bool on)
{
	struct wire_beat_stop stop = {0};

	agent->call.beating = on;
	agent->call.phase_ns = os_clock_now_ns();
	if (!on)
		agent_tell(agent->link, &wire_beat_stop_type, &stop, NULL, 0);
}
