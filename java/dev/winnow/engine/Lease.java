package dev.winnow.engine;

import dev.winnow.StateException;

/**
 * Counts who uses an object, so that closing it while in use is an error for the caller and never a crash. Closing twice does nothing.
 */
final class Lease {
  private final String what;
  private final boolean shared;
  private int users;
  private boolean closed;

  /** @param shared whether several users may hold it at once */
  Lease(String what, boolean shared) {
    this.what = what;
    this.shared = shared;
  }

  synchronized void enter() {
    if (closed) throw new StateException("the " + what + " is closed; open a new one");
    if (!shared && users > 0) throw new StateException("the " + what + " is in use by another thread; give each thread its own");
    users++;
  }

  synchronized void leave() { users--; }

  /** Whether this call closed it: false if it was closed before. Throws StateException while somebody uses it. */
  synchronized boolean close(String remedy) {
    if (closed) return false;
    if (users > 0) throw new StateException("the " + what + " is in use and was not closed; " + remedy);
    closed = true;
    return true;
  }
}
