/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rooms: which links forward datagrams to which. A room is found by its token alone, exists while
 * somebody is in it, and is never stored.
 *
 *   datagram of a link -> its index of the room -> every other link of the room, header rewritten
 *
 * Nothing here allocates while it forwards; joining takes one entry of a table made at creation.
 */
#ifndef RELAY_ROOMS_H
#define RELAY_ROOMS_H

#include "base/allocator.h"
#include "relay/limits.h"
#include "wire/wire.h"

struct relay_rooms;

/* One destination of a datagram: rewrite its header to (room, slot), then send it. */
struct relay_room_target {
	uint64_t link;
	uint8_t room; /* the target's own index */
};

MUST_USE enum sotto_err relay_rooms_create(const struct allocator *allocator,
					   struct relay_rooms **rooms);
void relay_rooms_destroy(struct relay_rooms *rooms);

/*
 * Enters a link; joining twice gives the same index and slot. LIMIT: the room, the link or all rooms are
 * full, or the room has used up its slots.
 */
MUST_USE enum sotto_err relay_rooms_join(struct relay_rooms *rooms, uint64_t link,
					 const uint8_t token[WIRE_TOKEN_LEN], uint8_t *room,
					 uint16_t *slot);

/* NOT_FOUND: the link has no such room. */
MUST_USE enum sotto_err relay_rooms_leave(struct relay_rooms *rooms, uint64_t link, uint8_t room);

/* The link is gone, or may not be in rooms any more. */
void relay_rooms_leave_all(struct relay_rooms *rooms, uint64_t link);

/*
 * Where a datagram of this link goes: at most RELAY_ROOM_LINKS_MAX targets, and the slot to stamp.
 * NOT_FOUND: it is not in such a room.
 */
MUST_USE enum sotto_err relay_rooms_targets(const struct relay_rooms *rooms, uint64_t link,
					    uint8_t room, uint16_t *slot,
					    struct relay_room_target *targets, size_t *count);

size_t relay_rooms_count(const struct relay_rooms *rooms);

/* Writes room and slot over the first WIRE_DATAGRAM_HEADER_LEN bytes. */
void relay_datagram_stamp(uint8_t *datagram, uint8_t room, uint16_t slot);

#endif
