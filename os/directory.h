/* SPDX-License-Identifier: Apache-2.0 */
/* What os/file.c and os/vfs.c know of a directory; inside os/ only. */
#ifndef OS_DIRECTORY_H
#define OS_DIRECTORY_H

struct os_directory {
	int descriptor;
	char *path; /* absolute, resolved */
};

#endif
