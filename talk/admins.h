/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What admins do together. Comes with talk/talk.h.
 *
 * An admin act has the signatures of k admins, each made on that admin's own phone. Where k is 1 an act is an entry of the
 * ledger at once; else it is a *proposal*, which all phones see: each admin approves or refuses it, and when k have signed
 * it, it becomes an entry. Approving cannot be taken back: the others have the signature.
 */
#ifndef TALK_ADMINS_H
#define TALK_ADMINS_H

#include "talk/talk.h"

/* Proposals that are open at a time: of all, and of one admin's phone. */
#define TALK_PROPOSALS_MAX    64
#define TALK_PROPOSALS_BY_MAX 16

struct talk_proposal_info {
	char code[TALK_CODE_LEN +
		  1];	   /* names it, and nothing else with as much as another word in it */
	uint32_t by;	   /* extension of who proposed it */
	uint64_t since_ms; /* when this phone learned of it */
	uint32_t acts;	   /* that are in it */
	uint32_t signed_by[LEDGER_ADMINS_MAX];	/* extensions */
	uint32_t refused_by[LEDGER_ADMINS_MAX]; /* likewise */
	uint32_t signed_count, refused_count;
	uint32_t needed; /* so many more must sign */
	bool ours;	 /* this phone has signed it */
	bool may;	 /* this phone may approve it, and has not refused it */
};

/* Those that are open, in the order in which they came; start with *cursor = 0, false at the end. */
bool talk_next_proposal(const struct talk *talk, uint64_t *cursor, struct talk_proposal_info *info);

/* As people type it: in either case, with spaces and hyphens. SOTTO_ERR_NOT_FOUND. */
MUST_USE enum sotto_err talk_proposal_get(const struct talk *talk, struct bytes code,
					  struct talk_proposal_info *info);

/*
 * One of its acts, from 0: what is signed, to be said in words. False: there are no more. Borrows until the next input. Its
 * signatures are those that are here.
 */
bool talk_proposal_act(const struct talk *talk, struct bytes code, uint32_t number,
		       struct ledger_entry *entry);

/*
 * Signs it here, or says no. SOTTO_ERR_NOT_FOUND: none of that code is open. SOTTO_ERR_DENIED: this phone is no admin's.
 * SOTTO_ERR_EXISTS: it has done so. SOTTO_ERR_STATE: no member; approve: whoever proposed it has withdrawn it. SOTTO_ERR_AGAIN:
 * *everyone* is not read to its end.
 */
MUST_USE enum sotto_err talk_approve(struct talk *talk, struct bytes code, uint64_t now_ns,
				     uint64_t utc_ms);
MUST_USE enum sotto_err talk_refuse(struct talk *talk, struct bytes code, uint64_t now_ns,
				    uint64_t utc_ms);

/*
 * Acts. Each is an entry or a proposal: then TALK_EVENT_PROPOSAL says so, in the same step. SOTTO_ERR_STATE: no member.
 * SOTTO_ERR_DENIED: no admin, or the ledger's rules. SOTTO_ERR_LIMIT: too many proposals. Others as ledger_append.
 */

/* device: its number, 0: the only one that the member has, else SOTTO_ERR_INVALID. threshold 0: as it is. SOTTO_ERR_NOT_FOUND:
 * no such device, or it has not said yet how the relay is to know it. SOTTO_ERR_EXISTS: this member is an admin. */
MUST_USE enum sotto_err talk_admin_add(struct talk *talk, uint32_t extension, uint32_t device,
				       uint32_t threshold, uint64_t now_ns, uint64_t utc_ms);
/* SOTTO_ERR_INVALID: the threshold does not fit those who are left. */
MUST_USE enum sotto_err talk_admin_remove(struct talk *talk, uint32_t extension, uint32_t threshold,
					  uint64_t now_ns, uint64_t utc_ms);
MUST_USE enum sotto_err talk_admin_threshold(struct talk *talk, uint32_t threshold, uint64_t now_ns,
					     uint64_t utc_ms);

/* For a day nothing is sent to this member. SOTTO_ERR_INVALID: an admin. */
MUST_USE enum sotto_err talk_suspend(struct talk *talk, uint32_t extension, uint64_t now_ns,
				     uint64_t utc_ms);

/* Does what is sent in this conversation wait, as somebody who reads it is suspended or at the end of his membership? */
bool talk_conversation_held(const struct talk *talk, const struct talk_conversation *conversation);

/* The number of the release that a device says it runs; 0: none that the ledger names. False: it said nothing yet. */
bool talk_device_release(const struct talk *talk, const uint8_t *key, uint32_t *release);

/* When a membership ends; 0: not. */
MUST_USE enum sotto_err talk_term(struct talk *talk, uint32_t extension, uint64_t until_ms,
				  uint64_t now_ns, uint64_t utc_ms);

/* Any other one, with its body. */
MUST_USE enum sotto_err talk_act_of(struct talk *talk, uint8_t action,
				    const union ledger_body *body, uint64_t now_ns,
				    uint64_t utc_ms);

struct talk_guest {
	uint32_t extension;
	struct bytes name;
	uint8_t places;	   /* for devices */
	uint64_t until_ms; /* the membership's end; 0: none */
};

/* So many in one proposal. */
#define TALK_GUESTS_MAX TALK_PROPOSAL_ACTS_MAX

/* All of them, or nobody. wrong: which of them is the reason. Errors as talk_invite. */
MUST_USE enum sotto_err talk_invite_all(struct talk *talk, const struct talk_guest *guests,
					size_t count, uint64_t valid_ms, size_t *wrong,
					uint64_t now_ns, uint64_t utc_ms);

/*
 * What two people compare before one confirms the other: the words of this device and that one, the same on both phones.
 * SOTTO_ERR_NOT_FOUND: nobody there waits to be confirmed, here nor there.
 */
MUST_USE enum sotto_err talk_confirm_words(const struct talk *talk, uint32_t extension,
					   char code[TALK_CODE_LEN + 1]);

/* They were compared. code: as it was read out there. SOTTO_ERR_VERIFY: it is another one. SOTTO_ERR_DENIED: this phone is not
 * confirmed itself, or its person signed the invitation. */
MUST_USE enum sotto_err talk_confirm(struct talk *talk, uint32_t extension, struct bytes code,
				     uint64_t now_ns, uint64_t utc_ms);

#endif
