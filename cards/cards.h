/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command and sotto-cards say to each other: one card a line of JSON on standard input, a sheet as
 * PDF on standard output.
 *
 *	{"network","name","extension","invitation","expires"}     all strings; expires as "2026-11-22T12:41:25Z"
 *
 * Exit codes: 0 done; 1 failed, with a line on standard error that quotes nothing of a card.
 */
#ifndef CARDS_CARDS_H
#define CARDS_CARDS_H

/* Cards of one run: as many as a network has members, and 125 pages. */
#define CARDS_MAX 1000

/* A line: an invitation of 1,536 characters, and names of 64 bytes with each byte as \u00xx. */
#define CARDS_LINE_MAX 4096

/* What stands on each card, and in the text of them; a command is between grave accents. */
#define CARDS_WORDS \
	{ \
		"Photograph this code with the device that will be your phone.", \
			"On it, once it is online: `sotto join --image PHOTO`", \
			"Keep it secret, and destroy it then: it lets one person in.", \
	}
#define CARDS_WORDS_COUNT 3

#endif
