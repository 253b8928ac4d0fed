"""Suites of what trees and script templates are made with."""
