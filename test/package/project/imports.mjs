/** Nothing that a library does by itself: it ends at once and says nothing. */
import 'hangup'
import 'hangup/admin'
import 'hangup/gateway'
import 'hangup/probe'
