#pragma once
#include <zmq.h>
/* What ZeroMQ's descriptors are watched with; Swift's own module of the C library leaves it out. */
#include <sys/epoll.h>
