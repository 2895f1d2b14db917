/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of talk/ share about people with several devices. Comes with talk/state.h. */
#ifndef TALK_DEVICE_H
#define TALK_DEVICE_H

#include "ledger/invitation.h"
#include "talk/talk.h"

struct talk_drop;
struct talk_group;
struct talk_out;

/* talk_kept_key.acknowledged, when not 0 */
enum { TALK_RECIPIENT_HAS = 1, TALK_RECIPIENT_GONE = 2 };

/* For a further device of ours, until it is approved or over. */
struct talk_card {
	uint8_t private_key[LEDGER_PRIVATE_LEN];
	uint8_t key[LEDGER_KEY_LEN];
	uint8_t name[LEDGER_NAME_MAX];
	size_t name_len;
	uint64_t expires_ms; /* 0: there is none */
	uint32_t wrong;	     /* codes that did not fit */
};

/* ---- code.c ---- */
/* Of at least 8 bytes. */
void talk_code_put(const uint8_t *digest, char code[TALK_CODE_LEN + 1]);
/* As people type it: in either case, with spaces and hyphens. */
bool talk_code_fits(const char code[TALK_CODE_LEN + 1], struct bytes typed);

/* ---- device.c ---- */
uint32_t talk_own_member(const struct talk *talk); /* 0: the ledger does not know us */
void talk_card_close(struct talk *talk);
/* What all cards of this network have alike. Wipe it. */
void talk_card_put(const struct talk *talk, const uint8_t *private_key,
		   struct ledger_invitation *card);
MUST_USE enum sotto_err talk_further_receive(struct talk *talk, struct bytes bytes);

/* ---- group.c ---- */
/* Whose leaf it is; NULL: nobody's whom the ledger knows. */
const struct ledger_device *talk_device_of(const struct talk *talk,
					   const struct mls_member *member);
/* One to one: is a device of the other member in it? */
bool talk_group_has_peer(const struct talk *talk, const struct talk_group *group);
/* A device of this member has a leaf in it; but for ours. */
bool talk_group_has(const struct talk *talk, const struct talk_group *group, uint32_t member);

/* ---- text.c ---- */
/* Has everybody whom it is for acknowledged it on one device? */
bool talk_out_reached(const struct talk *talk, const struct talk_group *group,
		      const struct talk_out *out);

/* ---- row.c ---- */
/* The device has come in, or is out, while others of its member were there. */
MUST_USE enum sotto_err talk_device_notice(struct talk *talk, const struct talk_group *group,
					   const struct talk_drop *drop,
					   const struct ledger_device *device, enum talk_verb verb);

#endif
