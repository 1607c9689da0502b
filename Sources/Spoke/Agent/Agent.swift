import GRDB
import Subprocess
import Yams
import AsyncHTTPClient
