variable "name" {
  description = "What everything of this module is called."
  type        = string
}

variable "region" {
  description = "Region of AWS."
  type        = string
}

variable "tags" {
  description = "Tags that everything of this module carries."
  type        = map(string)
  default     = {}
}

variable "network_id" {
  description = "The network in which the database lives."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of that network in which the database can be reached."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "RDS wants subnets in at least two availability zones."
  }
}

variable "clients" {
  description = "Address ranges from which the database can be reached."
  type        = set(string)
}

variable "size" {
  description = "Class of the instance, such as db.t4g.micro."
  type        = string
}

variable "storage" {
  description = "Size of the volume in GiB."
  type        = number
  default     = 20
}

variable "multi_az" {
  description = "Whether a second instance stands by in another zone."
  type        = bool
}

variable "keep" {
  description = "Whether AWS refuses to delete it, and a last snapshot is taken should that be lifted."
  type        = bool
}
