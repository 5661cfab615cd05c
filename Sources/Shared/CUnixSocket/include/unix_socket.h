#pragma once

/* unix(7): what needs macros that Swift cannot import. No header of the system is included here, so that Swift keeps
   seeing those as parts of its own module of the C library. */

#define CONTINUO_MAXIMUM_DESCRIPTORS 64

/* Sends one byte and with it descriptors, at most CONTINUO_MAXIMUM_DESCRIPTORS; 0 or errno. */
int continuo_send_descriptors(int socket, char byte, const int *descriptors, int count);

/* Receives one byte and what descriptors came with it, close-on-exec, of which there is room for
   CONTINUO_MAXIMUM_DESCRIPTORS; 0 or errno. ECONNRESET: the other end has closed. */
int continuo_receive_descriptors(int socket, char *byte, int *descriptors, int *count);

/* The user of the process at the other end; 0 or errno. */
int continuo_peer_user(int socket, unsigned int *user);

/* accept4(2), not blocking and close-on-exec; -1 and errno. */
int continuo_accept(int socket);
